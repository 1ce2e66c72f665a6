/**
 * The bench of many probes: `npm run bench:scale -- [--probes N]... [--seconds N] [--out FILE] [--date DATE] [--assert]`. Tells its steps on
 * standard error, a table and the targets on standard output; without a choice all figures go to bench/results/scale.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { Figures } from './figures.ts'
import { scaleOf } from './scale-run.ts'
import type { Target } from './scenarios.ts'

const { values } = parseArgs({
  options: {
    /** One size or several instead of all. */
    probes: { type: 'string', multiple: true },
    /** Of the steady state that is measured. */
    seconds: { type: 'string', default: '60' },
    out: { type: 'string' },
    date: { type: 'string', default: '' },
    /** Exit code 1 when a target is missed. */
    assert: { type: 'boolean', default: false },
  },
})

const SIZES = [1_000, 3_000, 10_000] as const
const sizes = values.probes?.map(Number) ?? SIZES
if (sizes.some((size) => !Number.isInteger(size) || size < 1))
  throw new Error('--probes must be a whole number above 0')

/** What each size is held to. */
const LIMITS = {
  'resident memory': 512,
  'share of a core': 0.25,
  'dispatch lag, p99': 1_000,
  'start to full watch': 30_000,
  'kubectl apply to call': 2_000,
  /** What Prometheus waits for, unless it is told otherwise. */
  'slowest scrape': 10_000,
  'API writes of idle probes': 0,
}
const targets = sizes.flatMap((size) =>
  Object.entries(LIMITS).map(([name, limit]): Target => ({ figure: figure(size, name), limit, sense: 'AtMost' })),
)

const figures = new Figures()
const say = (text: string): void => void process.stderr.write(`${text}\n`)
const loadBefore = loadavg()
const out = values.out ?? (values.probes ? undefined : join(import.meta.dirname, '../../bench/results/scale.json'))
/** Sizes that could not be measured, and why. */
const failures: string[] = []
for (const size of sizes) {
  // One that fails takes nothing from the others.
  await measure(size).catch((error: unknown) => failures.push(`${size} probes: ${String(error)}`))
  if (out !== undefined) keep(out)
}
const verdicts = figures.judge(targets)
process.stdout.write([figures.table(), '', ...verdicts.map(({ text }) => text), ...failures, ''].join('\n'))
if (failures.length > 0 || (values.assert && verdicts.some(({ met }) => !met))) process.exitCode = 1

function figure(size: number, name: string): string {
  return `${size} probes: ${name}`
}

async function measure(size: number): Promise<void> {
  const scale = await scaleOf(size, Number(values.seconds), (text) => say(`${size} probes: ${text}`))
  const { lag } = scale
  const add = (name: string, unit: string, value: number) => figures.single(figure(size, name), unit, value)
  const mebibytes = (bytes: number) => bytes / 2 ** 20
  add('resident memory', 'MiB', mebibytes(scale.resident))
  add('resident memory, most', 'MiB', mebibytes(scale.peak))
  add('share of a core', '', scale.processor)
  add('dispatch lag, p50', 'ms', lag.p50)
  add('dispatch lag, p99', 'ms', lag.p99)
  add('dispatch lag, most', 'ms', lag.most)
  add('rounds measured', '', lag.rounds)
  add('start to full watch', 'ms', scale.startUp)
  add('kubectl apply to call', 'ms', scale.applied)
  add('slowest scrape', 'ms', scale.scrape)
  add('series a probe', '', scale.seriesPerProbe)
  add('store, bytes an execution', '', scale.storePerExecution)
  add('status writes an execution', '', scale.writesPerExecution.probes)
  add('Events an execution', '', scale.writesPerExecution.events)
  add('API writes of idle probes', '', scale.idleWrites)
  add('load of the machine', '', scale.load)
  say(figures.table())
}

function keep(file: string): void {
  mkdirSync(dirname(file), { recursive: true })
  const [processor] = cpus()
  const record = {
    date: values.date,
    machine: { processor: processor?.model, cores: cpus().length, kernel: release(), node: process.version },
    /** Of 1, 5 and 15 minutes: whether the machine had something else to do. */
    load: { before: loadBefore, after: loadavg() },
    seconds: Number(values.seconds),
    figures: figures.all,
    failures,
    targets: figures.judge(targets).map(({ figure: name, met }) => ({ figure: name, met })),
  }
  writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`)
}
