/** The addresses that one request may go to, one after the other until one of them answers (RFC 3263 4.3). It builds and sends no request. */
import { isIP } from 'node:net'
import type { Core } from '../core.ts'
import type { Attempt, Endpoint, Failure } from '../engine.ts'
import type { Wanted } from './question.ts'
import { defaultPort, type Target } from '../transport/hop.ts'
import type { Flow } from '../transport/flow.ts'

export type Unreached = Extract<Failure, { kind: 'DnsFailed' | 'ConnectFailed' | 'TlsFailed' | 'Aborted' }>

export type ReachOutcome = { kind: 'Reached'; flow: Flow } | Unreached

/** The part of what time is left that looking up may take: a silent DNS is said to be one while there is still time to say so. */
const LOCATING = 0.5

/**
 * Milliseconds. RFC 3263 would wait for timer B or F, 32 s, before it asks the next address: longer than most who call wait at all. A
 * request was sent five times by now (0, 0.5, 1.5, 3.5, 7.5 s): who has answered none of them is not there.
 */
const LONGEST_SILENCE = 8_000

/** Seconds that a 503 keeps us away at most, whatever it says. */
const LONGEST_ABSENCE = 3_600

export class Approach {
  readonly #core: Core
  readonly #wanted: Wanted
  readonly #signal: AbortSignal | undefined
  #attempts: Attempt[] | undefined
  /** What was not tried yet; undefined before it is located. */
  #waiting: Target[] | undefined
  #current: Target | undefined

  constructor(core: Core, wanted: Wanted, signal?: AbortSignal) {
    this.#core = core
    this.#wanted = wanted
    this.#signal = signal
  }

  /** The addresses that were given up, in order: the one in use is none of them. */
  get attempts(): readonly Attempt[] {
    return this.#attempts ?? []
  }

  /** The address in use; before it is located, the hop as it was stated. */
  get current(): Endpoint {
    const { host, transport = 'UDP', port = defaultPort(transport) } = this.#wanted
    return this.#current ?? { host, port, transport }
  }

  /** The flow to the only address there is, when nothing has to be looked up or connected for it: what most requests of a busy engine find. */
  now(): Flow | undefined {
    return reachNow(this.#core, this.#wanted)
  }

  /** The flow to the next address to which there is a way, within `left` milliseconds; without one the reason of the last. */
  async next(left: number): Promise<ReachOutcome> {
    const { clock } = this.#core
    const end = clock.monotonic() + left
    if (!this.#waiting) {
      const failure = await this.#locate(left * LOCATING)
      if (failure) return failure
    }
    for (;;) {
      this.#current = this.#waiting?.shift()
      const outcome = await this.again(end - clock.monotonic())
      if (outcome.kind === 'Reached' || !this.after(outcome)) return outcome
    }
  }

  /** Another flow to the address in use. */
  async again(left: number): Promise<ReachOutcome> {
    // For the connection that was there nothing has been looked up yet.
    if (!this.#current && !this.#waiting) return this.next(left)
    const target = this.#current
    if (!target) return { kind: 'Aborted' }
    const limit = left / ((this.#waiting?.length ?? 0) + 1)
    return this.#within(limit, this.#open(target), (within) =>
      this.#core.ways.securing(target)
        ? { kind: 'TlsFailed', detail: `no handshake ${within}` }
        : { kind: 'ConnectFailed', detail: `no connection ${within}` },
    )
  }

  /**
   * How long the address in use may say nothing at all before the next one is asked, milliseconds: its share of what is left, for those
   * still to come want theirs. Undefined: it is the last.
   * @param others addresses of which only the user knows
   */
  patience(left: number, others = 0): number | undefined {
    const waiting = (this.#waiting?.length ?? 0) + others
    return waiting === 0 ? undefined : Math.min(left / (waiting + 1), LONGEST_SILENCE)
  }

  /** The address in use has failed. True: that is noted, and `next` leads to another one. @param retryAfter of a 503, as it was sent */
  after(why: Failure, retryAfter?: string): boolean {
    if (!this.#current || !passesOn(why)) return false
    const seconds = Number.parseInt(retryAfter ?? '', 10)
    if (seconds > 0) this.#core.locator.unavailable(this.#current, Math.min(seconds, LONGEST_ABSENCE))
    if (!this.#waiting?.length) return false
    this.#note(this.#current, why)
    return true
  }

  #note({ host, port, transport }: Endpoint, why: Failure): void {
    ;(this.#attempts ??= []).push({ remote: { host, port, transport }, why })
  }

  async #locate(limit: number): Promise<Unreached | undefined> {
    let asking = ''
    const located = await this.#within(
      limit,
      this.#core.locator.locate(this.#wanted, (question) => (asking = question)),
      (within) => ({ kind: 'DnsFailed', detail: `${asking}: no answer ${within}` }),
    )
    const { prefer, tls, path } = this.#wanted
    if (located.kind === 'Located') {
      for (const { remote, detail } of located.missing) this.#note(remote, { kind: 'DnsFailed', detail })
      this.#waiting = [...located.targets]
    } else if (located.kind === 'DnsFailed' && prefer) {
      // Who has answered before needs no DNS.
      this.#waiting = [{ ...prefer, name: this.#wanted.host, ...(tls && { tls }), ...(path && { path }) }]
    } else return located
    return undefined
  }

  async #open(target: Target): Promise<ReachOutcome> {
    const { ways, addresses } = this.#core
    if (target.transport === 'UDP') {
      await addresses.find(target.host)
      return { kind: 'Reached', flow: ways.udp(target.host, target.port) }
    }
    const opened = await ways.open(target)
    return opened.kind === 'Open' ? { kind: 'Reached', flow: opened.flow } : opened
  }

  async #within<Outcome>(
    limit: number,
    outcome: Promise<Outcome>,
    late: (within: string) => Unreached,
  ): Promise<Outcome | Unreached> {
    const signal = this.#signal
    const { promise: stopped, resolve: stop } = Promise.withResolvers<Unreached>()
    const timer = this.#core.wheel.start(limit, () => stop(late(`within ${Math.round(limit)} ms`)))
    const aborted = (): void => stop({ kind: 'Aborted' })
    signal?.addEventListener('abort', aborted)
    if (signal?.aborted) aborted()
    try {
      return await Promise.race([stopped, outcome])
    } finally {
      timer.cancel()
      signal?.removeEventListener('abort', aborted)
    }
  }
}

/** RFC 3263 4.3: whether another server may do better. One that has said anything but 503 has the request. */
function passesOn(why: Failure): boolean {
  switch (why.kind) {
    case 'NoResponse':
    case 'ConnectFailed':
    case 'TlsFailed':
      return true
    case 'Rejected':
      return why.code === 503
    case 'AuthenticationFailed':
    case 'NoFinalResponse':
    case 'DnsFailed':
    case 'Aborted':
      return false
  }
}

/** The flow to an address when nothing has to be looked up or connected for it. */
export function reachNow(
  core: Core,
  { over, host, port = defaultPort('UDP'), transport, secure = false }: Wanted,
): Flow | undefined {
  if (over?.open) return over
  if (transport === undefined ? secure : transport !== 'UDP') return undefined
  if (isIP(host) === 0 || core.addresses.known(host) === undefined) return undefined
  return core.ways.udp(host, port)
}

/** The flow to the first address of a hop to which there is a way, within `timeout` milliseconds. Flows asked for one after the other come so. */
export async function reach(core: Core, wanted: Wanted, { timeout }: { timeout: number }): Promise<ReachOutcome> {
  const now = reachNow(core, wanted)
  return now ? { kind: 'Reached', flow: now } : new Approach(core, wanted).next(timeout)
}
