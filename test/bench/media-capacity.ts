/** How many calls a core carries: those at which the process has 75 % of it and no packet is late. */
import { type Callers, type CallersResult, runCallers } from './media-run.ts'

export interface MediaEffort {
  /** Runs of each arm. */
  readonly samples: number
  /** Seconds of each run that count, and those before. */
  readonly seconds: number
  readonly warmUp: number
  /** Seconds of each step in the search. */
  readonly step: number
}

export interface Capacity {
  readonly calls: number
  readonly result: CallersResult
}

/** Of the core; above it there is no room for what a second brings that is not like the others. */
const SHARE = 0.75
const TOLERANCE = 0.02
/** Milliseconds, p99. */
const LATE = 2
const FIRST = 800
const STEPS = 6

/** @param from calls that an earlier run found; absent: they are searched for */
export async function callsOfCore(
  arm: Callers,
  from: number | undefined,
  effort: MediaEffort,
  say: (text: string) => void,
): Promise<Capacity> {
  const tried = async (calls: number, seconds: number): Promise<CallersResult> => {
    const result = await runCallers(arm, { calls, warmUp: effort.warmUp, seconds })
    say(`${arm}, ${calls} calls: ${describe(result)}`)
    return result
  }
  let calls = from ?? (await search((some) => tried(some, effort.step)))
  for (let step = 0; step < STEPS; step++) {
    const result = await tried(calls, effort.seconds)
    if (result.late < LATE) return { calls: Math.round((calls * SHARE) / Math.max(SHARE, result.share)), result }
    calls = Math.round(calls * 0.95)
  }
  throw new Error(`${arm}: packets are late also at little more than ${calls} calls`)
}

/** A packet is cheaper the more there are: so it comes nearer from below. */
async function search(tried: (calls: number) => Promise<CallersResult>): Promise<number> {
  let calls = FIRST
  for (let step = 0; step < STEPS; step++) {
    const { share } = await tried(calls)
    if (Math.abs(share - SHARE) < TOLERANCE) break
    calls = Math.round((calls * SHARE) / share)
  }
  return calls
}

function describe({ cpu, share, late, lateAtPeer, missing }: CallersResult): string {
  const core = `${(100 * share).toFixed(0)} % of the core, ${cpu.toFixed(2)} us a packet`
  return `${core}, late ${late.toFixed(2)} ms, ${lateAtPeer.toFixed(2)} ms at the peer, ${missing} missing`
}
