/** What a receiver behind the relay must have measured, from the relay's record alone: plain sets and sorting, nothing of the agent's. */
import type { RtpPassage } from './impairment-record.ts'

export interface Truth {
  /** That arrived, duplicates too. */
  packets: number
  /** Numbers from the first to the highest that arrived, over all counts. */
  expected: number
  /** Of those: in the record, but none of its copies arrived. */
  lost: number
  duplicates: number
  /** For the first time, but after one with a higher number. */
  outOfOrder: number
  longestLossRun: number
  sequenceResets: number
  ssrcSwitches: number
  /** J of RFC 3550 A.8 in milliseconds, from the stamps of departure: its average over the packets, and after the last; NaN: none. */
  jitter: number
  finalJitter: number
}

/** A packet of the record; the numbers go on beyond 16 bits. */
interface Numbered {
  readonly number: number
  readonly timestamp: number
}

interface Arrival extends Numbered {
  readonly at: number
  /** Among the arrivals of all. */
  readonly place: number
}

/** A stretch of one sender's numbers. */
interface Count {
  /** How it differs from the one before. */
  readonly begins: 'First' | 'Switch' | 'Reset'
  readonly sent: Numbered[]
  /** In the order of their coming. */
  readonly arrivals: Arrival[]
}

/** A larger step is a sender that begins anew, not loss (RFC 3550 A.1 MAX_DROPOUT). */
const RESTART = 3000

/**
 * @param passages in the order in which their sender sent them
 * @param clockRate RTP timestamp units a second
 * @param packets only so many arrivals, the first ones: what a receiver that stopped then has seen
 */
export function truthOf(passages: readonly RtpPassage[], clockRate: number, packets = Infinity): Truth {
  const counts = countsOf(passages, packets)
  const truth: Truth = {
    ...{ packets: 0, expected: 0, lost: 0, duplicates: 0, outOfOrder: 0, longestLossRun: 0 },
    sequenceResets: counts.filter(({ begins }) => begins === 'Reset').length,
    ssrcSwitches: counts.filter(({ begins }) => begins === 'Switch').length,
    ...jitterOf(counts, clockRate),
  }
  truth.packets = Math.min(
    packets,
    passages.reduce((sum, { departures }) => sum + departures.length, 0),
  )
  for (const count of counts) addCount(truth, count)
  return truth
}

function addCount(truth: Truth, { sent, arrivals }: Count): void {
  const arrived = new Set<number>()
  const first = arrivals[0]?.number ?? NaN
  let highest = first
  for (const { number } of arrivals) {
    if (arrived.has(number)) truth.duplicates++
    else if (number < highest) truth.outOfOrder++
    arrived.add(number)
    highest = Math.max(highest, number)
  }
  truth.expected += highest - first + 1
  let run = 0
  for (const { number } of sent) {
    if (number < first || number > highest) continue
    run = arrived.has(number) ? 0 : run + 1
    if (run > 0) truth.lost++
    truth.longestLossRun = Math.max(truth.longestLossRun, run)
  }
}

/**
 *     D(i-1,i) = (R_i - R_i-1) - (S_i - S_i-1)      J_i = J_i-1 + (|D(i-1,i)| - J_i-1) / 16
 *
 * Each count begins at 0. What still comes of the count before has no successor in time and does not take part, nor does a copy of the
 * packet that waits to see whether another count begins.
 */
function jitterOf(counts: readonly Count[], clockRate: number): { jitter: number; finalJitter: number } {
  let [jitter, sum, values] = [0, 0, 0]
  for (const [index, { begins, arrivals }] of counts.entries()) {
    const next = counts[index + 1]
    const end = next ? confirmation(next) : Infinity
    const start = begins === 'First' ? 0 : confirmation({ arrivals })
    const valid = arrivals.filter(({ place }, position) => place < end && (position === 0 || place >= start))
    jitter = 0
    for (const [position, arrival] of valid.entries()) {
      const before = valid[position - 1]
      if (!before) continue
      const media = (((arrival.timestamp - before.timestamp) | 0) * 1000) / clockRate
      jitter += (Math.abs(arrival.at - before.at - media) - jitter) / 16
      sum += jitter
      values++
    }
  }
  return { jitter: sum / values, finalJitter: values === 0 ? NaN : jitter }
}

/** Place of the second packet of a count, which is not a copy of the first: from then on it is known that this is no stray packet. */
function confirmation({ arrivals }: Pick<Count, 'arrivals'>): number {
  return arrivals.find(({ number }) => number !== arrivals[0]?.number)?.place ?? Infinity
}

/** The counts that a receiver comes to know, with what it takes for theirs. */
function countsOf(passages: readonly RtpPassage[], packets: number): Count[] {
  const counts: Count[] = []
  const departures: { of: Count; packet: Numbered; at: number }[] = []
  let before: RtpPassage | undefined
  let number = 0
  for (const passage of passages) {
    const step = before ? ((passage.sequenceNumber - before.sequenceNumber) << 16) >> 16 : 0
    const begins = !before
      ? 'First'
      : passage.ssrc !== before.ssrc
        ? 'Switch'
        : Math.abs(step) >= RESTART
          ? 'Reset'
          : undefined
    if (begins) counts.push({ begins, sent: [], arrivals: [] })
    const of = counts.at(-1)
    if (!of) break
    number = begins ? passage.sequenceNumber : number + step
    const packet = { number, timestamp: passage.timestamp }
    of.sent.push(packet)
    for (const at of passage.departures) departures.push({ of, packet, at })
    before = passage
  }
  const order = departures.toSorted((one, other) => one.at - other.at).slice(0, packets)
  for (const [place, { of, packet, at }] of order.entries()) of.arrivals.push({ ...packet, at, place })
  return counts.filter(
    (count) => count.arrivals.length > 0 && (count.begins === 'First' || confirmation(count) < Infinity),
  )
}
