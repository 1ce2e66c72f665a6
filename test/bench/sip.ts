/**
 * The bench of the SIP user agent: `npm run bench:sip -- [scenario...] [--quick] [--only cost|load] [--out FILE] [--date DATE] [--assert]`.
 * Tells its steps on standard error, a table and the targets on standard output; without a choice all figures go to bench/results/sip.json.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { Figures } from './figures.ts'
import { costBeside, memoryOf } from './held.ts'
import { compareCost, compareSustained, type Effort } from './measure.ts'
import { COMPARISONS, type Comparison, OTHERS, TARGETS } from './scenarios.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** One short run of each arm: for daily work, not for a record. */
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    /** Calls a second at which the cost of both is measured. */
    rate: { type: 'string', default: '4000' },
    out: { type: 'string' },
    date: { type: 'string', default: '' },
    /** Exit code 1 when a target is missed. */
    assert: { type: 'boolean', default: false },
  },
})
const { quick } = values
const effort: Effort = quick
  ? { samples: 1, seconds: 4, warmUp: 2, step: 2 }
  : { samples: 5, seconds: 20, warmUp: 4, step: 5 }
const scenarios = [...COMPARISONS.map(({ name }) => name), ...OTHERS]
const unknown = positionals.filter((each) => !scenarios.some((name) => name === each))
if (unknown.length > 0) throw new Error(`no scenario ${unknown.join(', ')}; there are ${scenarios.join(', ')}`)
const chosen = positionals.length > 0 ? positionals : scenarios

const figures = new Figures()
const say = (text: string): void => void process.stderr.write(`${text}\n`)

for (const comparison of COMPARISONS) await attempt(comparison.name, () => compare(comparison))
await attempt('held', held)
await attempt('registrations', registrations)
await attempt('dialogs', dialogs)
await attempt('growth', growth)

const verdicts = figures.judge(TARGETS)
process.stdout.write(`${figures.table()}\n\n${verdicts.map(({ text }) => text).join('\n')}\n`)
const complete = !quick && positionals.length === 0 && values.only === undefined
const out = values.out ?? (complete ? join(import.meta.dirname, '../../bench/results/sip.json') : undefined)
if (out !== undefined) {
  mkdirSync(dirname(out), { recursive: true })
  const [processor] = cpus()
  const machine = { processor: processor?.model, cores: cpus().length, kernel: release(), node: process.version }
  const record = {
    date: values.date,
    machine: { ...machine, sipp: sippVersion() },
    effort,
    figures: figures.all,
    targets: verdicts.map(({ figure, met }) => ({ figure, met })),
  }
  writeFileSync(out, `${JSON.stringify(record, null, 2)}\n`)
}
if (values.assert && verdicts.some(({ met }) => !met)) process.exitCode = 1

/** One that does not come to its end takes nothing from the others. */
async function attempt(name: string, measure: () => Promise<void>): Promise<void> {
  if (!chosen.includes(name)) return
  try {
    await measure()
  } catch (error) {
    say(`${name}: ${error instanceof Error ? error.stack : String(error)}`)
    process.exitCode = 1
  }
}

async function compare({ name, subject, reference }: Comparison): Promise<void> {
  if (values.only !== 'cost') {
    const load = await compareSustained(subject, reference, effort, say)
    figures.compared(`${name} calls/s`, 'calls/s', load)
  }
  if (values.only === 'load') return
  const { cpu, answerP50, answerP99, flaws } = await compareCost(subject, reference, Number(values.rate), effort, say)
  figures.compared(`${name} CPU per call`, 'us', cpu)
  if (answerP50.samples > 0) {
    figures.add(`${name} INVITE to 200, p50`, 'ms', answerP50)
    figures.add(`${name} INVITE to 200, p99`, 'ms', answerP99)
  }
  if (flaws > 0) figures.single(`${name} failed or sent again at ${values.rate}/s`, '', flaws)
}

async function held(): Promise<void> {
  const [few, many] = [10, 50_000]
  // Half of what the others are measured at: the peer is ours as well, and has the same dialogs.
  const rate = Number(values.rate) / 2
  const windows = await costBeside(quick ? [few, many] : [few, many, few, many, few, many], rate, effort.seconds)
  const of = (offset: number): number[] => windows.filter((_, index) => index % 2 === offset).map(({ cpu }) => cpu)
  figures.pairs('held CPU per call', 'us', { subject: of(1), reference: of(0) })
  const flaws = windows.reduce((sum, window) => sum + window.flaws, 0)
  if (flaws > 0) figures.single(`held failed or sent again at ${rate}/s`, '', flaws)
}

async function registrations(): Promise<void> {
  const count = 10_000
  for (const traces of [false, true]) {
    const { uac } = await memoryOf({ what: 'registrations', count, traces })
    figures.single(`registration memory${traces ? ', with its trace' : ''}`, 'B', (uac.after - uac.before) / count)
  }
}

async function dialogs(): Promise<void> {
  const count = 10_000
  for (const traces of [false, true]) {
    const { uac, uas } = await memoryOf({ what: 'dialogs', count, traces })
    figures.single(`dialog memory UAC${traces ? ', with its trace' : ''}`, 'B', (uac.after - uac.before) / count)
    figures.single(`dialog memory UAS${traces ? ', with its trace' : ''}`, 'B', (uas.after - uas.before) / count)
  }
}

async function growth(): Promise<void> {
  const { uac, uas, left } = await memoryOf({ what: 'growth', count: quick ? 100_000 : 1_000_000, traces: true })
  figures.single('growth UAC', 'B', uac.after - uac.before)
  figures.single('growth UAS', 'B', uas.after - uas.before)
  for (const [gauge, value] of Object.entries(left)) figures.single(`growth left, ${gauge}`, '', value)
  figures.single(
    'growth left over',
    '',
    Object.values(left).reduce((sum, value) => sum + value, 0),
  )
}

function sippVersion(): string {
  // It prints its version and exits with 99.
  try {
    return execFileSync('sipp', ['-v'], { encoding: 'utf8' })
  } catch (error) {
    const text = error instanceof Error && 'stdout' in error ? String(error.stdout) : ''
    return /SIPp (v[\w.-]+)/.exec(text)?.[1] ?? ''
  }
}
