/**
 * The bench of media: `npm run bench:media -- [scenario...] [--quick] [--calls N] [--out FILE] [--date DATE] [--assert]`. Tells its steps on
 * standard error, a table and the targets on standard output; without a choice all figures go to bench/results/media.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { suiteNames } from '../../agent/media/srtp/index.ts'
import { Figures } from './figures.ts'
import { mediaAccuracy } from './media-accuracy.ts'
import { type Capacity, callsOfCore, type MediaEffort } from './media-capacity.ts'
import { memoryOfCalls } from './media-held.ts'
import { runCallers, runEcho } from './media-run.ts'
import { srtpCost } from './media-srtp.ts'
import type { Target } from './scenarios.ts'
import { spread } from './statistics.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** One short run of each arm: for daily work, not for a record. */
    quick: { type: 'boolean', default: false },
    /** At which the cost of a packet is measured. */
    calls: { type: 'string', default: '1000' },
    out: { type: 'string' },
    date: { type: 'string', default: '' },
    /** Exit code 1 when a target is missed. */
    assert: { type: 'boolean', default: false },
  },
})
const { quick } = values
const effort: MediaEffort = quick
  ? { samples: 1, seconds: 4, warmUp: 4, step: 3 }
  : { samples: 5, seconds: 20, warmUp: 10, step: 6 }

/** What is on in each call of ours that is measured as a caller. */
const ON = 'PCMA 20 ms, RTCP and XR, sampled each second, 1 % analysed'
const CAPACITY = `calls a core (${ON})`
/** Calls at once. */
const ACCURACY = [1, 100, 1000] as const
const TARGETS: readonly Target[] = [
  { figure: `${CAPACITY} ratio`, limit: 0.9, sense: 'AtLeast' },
  { figure: 'echo CPU per packet ratio', limit: 1.3, sense: 'AtMost' },
  { figure: 'pacing lateness at that load, p99', limit: 2, sense: 'AtMost' },
  { figure: 'memory a call, heap and buffers', limit: 20_480, sense: 'AtMost' },
  ...ACCURACY.flatMap((count): Target[] => [
    { figure: `accuracy at ${count} calls: miscounted`, limit: 0, sense: 'AtMost' },
    { figure: `accuracy at ${count} calls: jitter off, p99`, limit: count < 1000 ? 0.5 : 1, sense: 'AtMost' },
    { figure: `accuracy at ${count} calls: round trip off, p99`, limit: 1, sense: 'AtMost' },
  ]),
]

const figures = new Figures()
const say = (text: string): void => void process.stderr.write(`${text}\n`)
const SCENARIOS: Readonly<Record<string, () => void | Promise<void>>> = { calls, caller, echo, memory, srtp, accuracy }
const unknown = positionals.filter((name) => !(name in SCENARIOS))
const known = Object.keys(SCENARIOS)
if (unknown.length > 0) throw new Error(`no scenario ${unknown.join(', ')}; there are ${known.join(', ')}`)

const loadBefore = loadavg()
for (const name of positionals.length > 0 ? positionals : known) await attempt(name)
const verdicts = figures.judge(TARGETS)
process.stdout.write(`${figures.table()}\n\n${verdicts.map(({ text }) => text).join('\n')}\n`)
const out = values.out ?? (quick || positionals.length > 0 ? undefined : '../../bench/results/media.json')
if (out !== undefined) keep(values.out ?? join(import.meta.dirname, out))
if (values.assert && verdicts.some(({ met }) => !met)) process.exitCode = 1

/** One that does not come to its end takes nothing from the others. */
async function attempt(name: string): Promise<void> {
  try {
    await SCENARIOS[name]?.()
  } catch (error) {
    say(`${name}: ${error instanceof Error ? error.stack : String(error)}`)
    process.exitCode = 1
  }
}

/** At 75 % of a core, ours and the floor in turn. */
async function calls(): Promise<void> {
  const [ours, floor]: [Capacity[], Capacity[]] = [[], []]
  for (let sample = 0; sample < effort.samples; sample++) {
    ours.push(await callsOfCore('Ours', ours.at(-1)?.calls, effort, say))
    floor.push(await callsOfCore('Floor', floor.at(-1)?.calls, effort, say))
  }
  const pairs = (of: (capacity: Capacity) => number) => ({ subject: ours.map(of), reference: floor.map(of) })
  figures.pairs(
    CAPACITY,
    'calls',
    pairs((capacity) => capacity.calls),
  )
  figures.pairs(
    'CPU per packet at that load',
    'us',
    pairs(({ result }) => result.cpu),
  )
  figures.pairs(
    'pacing lateness at that load, p99',
    'ms',
    pairs(({ result }) => result.late),
  )
  figures.pairs(
    'lateness at the peer at that load, with its own, p99',
    'ms',
    pairs(({ result }) => result.lateAtPeer),
  )
  figures.pairs(
    'packets not back',
    '',
    pairs(({ result }) => result.missing),
  )
}

/** The same load for both, also where a core is not ours alone: lateness does not count. */
async function caller(): Promise<void> {
  await beside(`caller CPU per packet at ${values.calls} calls`, async (arm) => {
    const result = await runCallers(arm === 'Subject' ? 'Ours' : 'Floor', { ...effort, calls: Number(values.calls) })
    return result.cpu
  })
}

async function echo(): Promise<void> {
  await beside('echo CPU per packet', (arm) =>
    runEcho(arm === 'Subject' ? 'Ours' : 'SIPp', { ...effort, calls: Number(values.calls) }),
  )
}

async function beside(name: string, measure: (arm: 'Subject' | 'Reference') => Promise<number>): Promise<void> {
  const [subject, reference]: [number[], number[]] = [[], []]
  for (let sample = 0; sample < effort.samples; sample++) {
    subject.push(await measure('Subject'))
    reference.push(await measure('Reference'))
    say(`${name}: ${subject.at(-1)?.toFixed(2)} us, reference ${reference.at(-1)?.toFixed(2)} us`)
  }
  figures.pairs(name, 'us', { subject, reference })
}

async function memory(): Promise<void> {
  const seconds = quick ? 8 : 30
  for (const [kind, count, analysed] of [
    ['a call', 500, false],
    ['an analysed call', 20, true],
  ] as const) {
    const { used, resident } = await memoryOfCalls({ calls: count, seconds, analysed })
    figures.single(`memory ${kind}, heap and buffers`, 'B', used / count)
    // Most of it is what packets leave behind between two collections: it does not grow with the calls for long.
    figures.single(`memory ${kind}, resident`, 'B', resident / count)
  }
}

async function accuracy(): Promise<void> {
  for (const count of ACCURACY) {
    const { miscounted, unrecorded, jitter, roundTrip, withoutRoundTrip, saturation } = await mediaAccuracy({
      ...{ calls: count, seconds: quick ? 10 : 30 },
    })
    const at = `accuracy at ${count} calls:`
    if (saturation !== '') say(`${at} ${saturation}`)
    figures.single(`${at} miscounted`, '', miscounted)
    if (unrecorded > 0) figures.single(`${at} packets not on record`, '', unrecorded)
    figures.single(`${at} jitter off, p99`, 'ms', jitter.p99)
    figures.single(`${at} jitter off, most`, 'ms', jitter.max)
    figures.single(`${at} round trip off, p99`, 'ms', roundTrip.p99)
    figures.single(`${at} round trip off, most`, 'ms', roundTrip.max)
    figures.single(`${at} without round trip`, '', withoutRoundTrip)
  }
}

/** A packet by itself, and in calls beside the same calls without keys. */
async function srtp(): Promise<void> {
  for (const suite of suiteNames) {
    const costs = Array.from({ length: effort.samples }, () => srtpCost(suite, quick ? 100 : 400))
    figures.add(`SRTP ${suite}, protect`, 'us', spread(costs.map(({ protect }) => protect)))
    figures.add(`SRTP ${suite}, unprotect`, 'us', spread(costs.map(({ unprotect }) => unprotect)))
    const load = { ...effort, calls: Math.round(Number(values.calls) / 2) }
    await beside(`caller CPU per packet, ${suite}, beside none`, async (arm) => {
      const result = await runCallers('Ours', arm === 'Subject' ? { ...load, suite } : load)
      return result.cpu
    })
  }
}

function keep(file: string): void {
  mkdirSync(dirname(file), { recursive: true })
  const [processor] = cpus()
  const machine = { processor: processor?.model, cores: cpus().length, kernel: release(), node: process.version }
  const record = {
    date: values.date,
    machine,
    /** Of 1, 5 and 15 minutes: whether the machine had something else to do. */
    load: { before: loadBefore, after: loadavg() },
    effort,
    figures: figures.all,
    targets: verdicts.map(({ figure, met }) => ({ figure, met })),
  }
  writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`)
}
