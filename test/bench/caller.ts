/** Places calls through the door to the engine and counts what becomes of them; how many and when is up to whoever paces it. */
import { performance } from 'node:perf_hooks'
import {
  type Call,
  createNativeEngine,
  type LocalParty,
  type SignallingEngine,
  Trace,
  type Transport,
} from '../../agent/sip/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { systemRandom } from '../../lib/random.ts'
import { expectShortLives } from '../../lib/short-lives.ts'
import type { Identity } from '../lab/certificates.ts'
import { pause } from './reporting.ts'

/** As long as a usual offer of two codecs and DTMF; the same text in each message, since media is not measured. */
export const SDP = [
  'v=0',
  'o=- 3944678400 3944678400 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 40000 RTP/AVP 8 0 101',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-16',
  '',
].join('\r\n')

/** No limit that a peer could meet: the bench asks for more than any single peer may. */
const UNLIMITED = { serverTransactions: 10_000_000, serverBytes: 100_000_000_000, dialogs: 10_000_000 }

/** @param identity it listens for TLS as well */
export function benchEngine(identity?: Identity): Promise<SignallingEngine> {
  // As an agent does.
  expectShortLives()
  const host = '127.0.0.1'
  return createNativeEngine({
    clock: systemClock,
    random: systemRandom,
    host,
    userAgent: 'Ringcheck/bench',
    limits: UNLIMITED,
    ...(identity && { identity, ports: { TLS: 0 } }),
  })
}

/** What became of the calls that were started while it was the tally. */
export interface Tally {
  started: number
  completed: number
  failed: number
  retransmissionsSent: number
  retransmissionsReceived: number
  /** Milliseconds from the INVITE to its 200. */
  readonly answers: number[]
  /** Failures by kind. */
  readonly failures: Record<string, number>
}

export function newTally(): Tally {
  return {
    ...{ started: 0, completed: 0, failed: 0, retransmissionsSent: 0, retransmissionsReceived: 0 },
    answers: [],
    failures: {},
  }
}

/** Calls that are begun in one turn of the event loop. More would be begun than is read, and what a pause left over would only grow. */
const BURST = 8

/** Milliseconds until an INVITE is given up: longer than a burst takes to be worked off, shorter than a run. */
const TIMEOUT = 8_000

export class Caller {
  readonly engine: SignallingEngine
  readonly #target: { port: number; transport: Transport }
  readonly #traces: boolean
  #count = 0
  /** Calls under way. */
  active = 0
  /** Calls that came to an end of either kind, since the start. */
  finished = 0

  /** @param traces whether each call keeps a bounded trace, as the product's do */
  constructor(engine: SignallingEngine, target: { port: number; transport: Transport }, traces: boolean) {
    this.engine = engine
    this.#target = target
    this.#traces = traces
  }

  party(user: string): LocalParty {
    // The handshake is once for all calls: whether the peer is who it says is not what is measured.
    const tls = this.#target.transport === 'TLS' ? { tls: { verify: 'None' as const } } : {}
    const nextHop = { host: '127.0.0.1', ...this.#target, ...tls }
    return { aor: `sip:${user}@127.0.0.1`, contactUser: user, nextHop, outboundProxy: false }
  }

  trace(): Trace {
    return this.#traces ? new Trace() : new Trace({ messages: 0, bytes: 0 })
  }

  /** INVITE, 180, 200, ACK. */
  async open(tally: Tally): Promise<Call | undefined> {
    const { port, transport } = this.#target
    const outgoing = this.engine.invite({
      party: this.party('bench'),
      callId: `bench-${process.pid}-${++this.#count}`,
      timeout: TIMEOUT,
      trace: this.trace(),
      target: `sip:service@127.0.0.1:${port}${transport === 'UDP' ? '' : `;transport=${transport.toLowerCase()}`}`,
      offer: SDP,
    })
    const outcome = await outgoing.outcome
    if (outcome.kind !== 'Answered') {
      count(tally, outgoing.counters)
      fail(tally, outcome.kind)
      return undefined
    }
    const { inviteSent = NaN, answered = NaN } = outgoing.timings
    tally.answers.push(answered - inviteSent)
    return outcome.call
  }

  /** All of a call: INVITE, 180, 200, ACK, BYE, 200. */
  async call(tally: Tally): Promise<void> {
    tally.started++
    this.active++
    const call = await this.open(tally)
    if (call) {
      const bye = await call.bye()
      count(tally, call.counters)
      if (bye.kind === 'Done') tally.completed++
      else fail(tally, `BYE ${bye.kind}`)
    }
    this.active--
    this.finished++
  }

  /** Starts calls at `rate` a second, a few every few milliseconds, until `milliseconds` have passed; `ramp`: from nothing up to the rate. */
  async atRate(
    tally: Tally,
    { rate, milliseconds, ramp = false }: { rate: number; milliseconds: number; ramp?: boolean },
  ) {
    const begin = performance.now()
    let started = 0
    for (;;) {
      const elapsed = Math.min(performance.now() - begin, milliseconds)
      const due = Math.floor((rate / 1000) * (ramp ? elapsed ** 2 / (2 * milliseconds) : elapsed))
      // However far it is behind: between two bursts 32 datagrams are read, and each call has three.
      const burst = Math.min(due - started, BURST)
      for (let index = 0; index < burst; index++) void this.call(tally)
      started += burst
      if (elapsed >= milliseconds) return
      await (started < due ? turn() : pause(2))
    }
  }

  /** Keeps `window` calls under way until `enough` says so. */
  async inWindow(tally: () => Tally, window: number, enough: () => boolean): Promise<void> {
    const lane = async (): Promise<void> => {
      while (!enough()) await this.call(tally())
    }
    await Promise.all(Array.from({ length: window }, lane))
  }

  /** `count` calls that stay up, opened at 4,000 a second. */
  async hold(count: number, tally: Tally): Promise<Call[]> {
    const calls: Promise<Call | undefined>[] = []
    const begin = performance.now()
    while (calls.length < count) {
      const due = Math.min(count, calls.length + BURST, Math.ceil((performance.now() - begin) * 4))
      while (calls.length < due) calls.push(this.open(tally))
      await pause(2)
    }
    const opened = (await Promise.all(calls)).filter((call) => call !== undefined)
    if (opened.length < count) throw new Error(`${count - opened.length} of ${count} calls did not come up`)
    return opened
  }

  /** Hangs up, a few hundred at a time. */
  async release(calls: Call[]): Promise<void> {
    for (let index = 0; index < calls.length; index += 200) {
      await Promise.all(calls.slice(index, index + 200).map((call) => call.bye()))
    }
  }

  /** Waits until no call is under way, at most `milliseconds`; what is then still there counts as failed. */
  async drained(tally: Tally, milliseconds: number): Promise<void> {
    const deadline = performance.now() + milliseconds
    while (this.active > 0 && performance.now() < deadline) await pause(20)
    for (let left = this.active; left > 0; left--) fail(tally, 'unfinished')
  }
}

function count(tally: Tally, counters: { retransmissionsSent: number; retransmissionsReceived: number }): void {
  tally.retransmissionsSent += counters.retransmissionsSent
  tally.retransmissionsReceived += counters.retransmissionsReceived
}

function fail(tally: Tally, kind: string): void {
  tally.failed++
  tally.failures[kind] = (tally.failures[kind] ?? 0) + 1
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Waits until the timers of all transactions have run out: 32 s after the last call. */
export async function idle(engine: SignallingEngine): Promise<void> {
  while (engine.gauges.transactions > 0) await pause(50)
}
