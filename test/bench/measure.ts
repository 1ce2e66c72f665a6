/** Measures two arms against each other, a run of one after a run of the other: the load that they sustain, and what a call costs. */
import { type Arm, type Load, type Result, run } from './run.ts'
import { type Spread, spread } from './statistics.ts'

export interface Effort {
  /** Runs of each arm. */
  readonly samples: number
  /** Seconds of each run that count, and those before. */
  readonly seconds: number
  readonly warmUp: number
  /** Seconds of each step in the search of the highest rate. */
  readonly step: number
}

export interface Compared {
  readonly subject: Spread
  readonly reference: Spread
  /** Of each run of the subject to the run of the reference after it. */
  readonly ratio: Spread
}

type Say = (text: string) => void

/** No call failed, nothing was sent again, and the rate that was asked for is the rate that was made. */
export function clean({ failed, retransmissions, callsPerSecond }: Result, rate: number): boolean {
  return failed === 0 && retransmissions === 0 && callsPerSecond >= rate * 0.97
}

/** Calls a second that each arm sustains without a flaw. */
export async function compareSustained(subject: Arm, reference: Arm, effort: Effort, say: Say): Promise<Compared> {
  const rates = [await highest(subject, effort, say), await highest(reference, effort, say)] as const
  return alternating(effort.samples, (which) =>
    sustain([subject, reference][which] ?? subject, rates[which], effort, say),
  )
}

export interface Cost {
  readonly cpu: Compared
  /** Milliseconds from the INVITE to its 200, where our UAC measured them. */
  readonly answerP50: Spread
  readonly answerP99: Spread
  /** Calls that failed and messages that were sent again, in all runs of both. */
  readonly flaws: number
}

/** Microseconds of processor time for each call, both at the same rate. */
export async function compareCost(subject: Arm, reference: Arm, rate: number, effort: Effort, say: Say): Promise<Cost> {
  const results: Result[] = []
  const cpu = await alternating(effort.samples, async (which) => {
    const arm = [subject, reference][which] ?? subject
    const result = await run(arm, { rate, ...effort })
    say(`${name(arm)} at ${rate}/s: ${describe(result)}`)
    results.push(result)
    return arm.measured === 'UAC' ? result.uacCpu : result.uasCpu
  })
  const ours = results.filter((_, index) => index % 2 === 0)
  const of = (values: (number | undefined)[]) => spread(values.filter((value) => value !== undefined))
  return {
    cpu,
    answerP50: of(ours.map(({ answerP50 }) => answerP50)),
    answerP99: of(ours.map(({ answerP99 }) => answerP99)),
    flaws: results.reduce((sum, { failed, retransmissions }) => sum + failed + retransmissions, 0),
  }
}

async function alternating(samples: number, sample: (which: 0 | 1) => Promise<number>): Promise<Compared> {
  const [subject, reference]: [number[], number[]] = [[], []]
  for (let count = 0; count < samples; count++) {
    subject.push(await sample(0))
    reference.push(await sample(1))
  }
  const ratios = subject.map((value, index) => value / (reference[index] ?? NaN))
  return { subject: spread(subject), reference: spread(reference), ratio: spread(ratios) }
}

/** Steps up by a quarter while it is clean, then halves the gap three times. */
async function highest(arm: Arm, { step, warmUp }: Effort, say: Say): Promise<number> {
  const tried = async (rate: number): Promise<boolean> => {
    const result = await run(arm, { rate, warmUp, seconds: step })
    say(`${name(arm)}, search at ${rate}/s: ${describe(result)}`)
    return clean(result, rate)
  }
  let good = 4_000
  while (!(await tried(good))) {
    good = Math.round(good / 1.6)
    if (good < 50) throw new Error(`${name(arm)} is clean at no rate`)
  }
  let bad = Math.round(good * 1.25)
  while (await tried(bad)) [good, bad] = [bad, Math.round(bad * 1.25)]
  for (let halving = 0; halving < 3; halving++) {
    const middle = Math.round((good + bad) / 2)
    if (await tried(middle)) good = middle
    else bad = middle
  }
  return good
}

/** The rate that was found in short runs may be too high for a long one: down by a twentieth until it is clean. */
async function sustain(arm: Arm, rate: number, effort: Load, say: Say): Promise<number> {
  for (let asked = rate; asked > rate / 4; asked = Math.round(asked * 0.95)) {
    const result = await run(arm, { ...effort, rate: asked })
    say(`${name(arm)}, ${asked}/s: ${describe(result)}`)
    // What was left of the warm-up is no call of this rate.
    if (clean(result, asked)) return Math.min(result.callsPerSecond, asked)
  }
  throw new Error(`${name(arm)} is not even clean at a quarter of ${rate}/s`)
}

export function name({ uac, uas, measured, transport }: Arm): string {
  return `${uac} UAC -> ${uas} UAS over ${transport} (${measured})`
}

function describe({ callsPerSecond, failed, retransmissions, uacCpu, uasCpu }: Result): string {
  const flaws = failed + retransmissions > 0 ? `, ${failed} failed, ${retransmissions} retransmissions` : ''
  return `${Math.round(callsPerSecond)} calls/s, UAC ${uacCpu.toFixed(1)} us, UAS ${uasCpu.toFixed(1)} us a call${flaws}`
}
