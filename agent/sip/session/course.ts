/** Where an INVITE goes, step by step: the addresses of its next hop, and those of whoever a 3xx names. It sends nothing. */
import { Approach, type ReachOutcome } from '../locate/approach.ts'
import type { Core } from '../core.ts'
import type { Attempt, Endpoint, Failure, InviteOptions } from '../engine.ts'
import type { Flow } from '../transport/flow.ts'
import { type Destination, destinationKey, destinations } from './redirection.ts'
import type { Response } from '../message/message.ts'
import { towards } from '../locate/question.ts'

/** A chain of more leads nowhere. */
const MOST_REDIRECTS = 5

/** `Readdressed`: the same request over another flow. `Redirected`: a request to somebody else. */
export type Step = 'Readdressed' | 'Redirected'

export class Course {
  readonly #core: Core
  readonly #signal: AbortSignal | undefined
  readonly #mayFollow: (target: string) => boolean
  /** How many more may be called. */
  #follow: number
  #current: Destination
  #approach: Approach
  /** What was given up on the way to those before the current one. */
  #before: readonly Attempt[] = []
  /** Where 3xx led that was not asked yet. */
  #waiting: Destination[] = []
  #asked: Set<string> | undefined

  constructor(core: Core, { party, target, followRedirects = 0, mayFollow = () => true, signal }: InviteOptions) {
    this.#core = core
    this.#follow = Math.min(followRedirects, MOST_REDIRECTS)
    this.#mayFollow = mayFollow
    this.#signal = signal
    this.#current = { uri: target, party }
    this.#approach = this.#approachOf(this.#current)
  }

  /** Whom the INVITE is for at this moment. */
  get destination(): Destination {
    return this.#current
  }

  get attempts(): readonly Attempt[] {
    const { attempts } = this.#approach
    return this.#before.length === 0 ? attempts : [...this.#before, ...attempts]
  }

  /** The flow when nothing has to be looked up or connected for it. */
  now(): Flow | undefined {
    return this.#approach.now()
  }

  /** The flow to the next address, within `left` milliseconds. Whoever a 3xx named and cannot be reached is passed over. */
  async next(left: number): Promise<ReachOutcome> {
    const { clock } = this.#core
    const end = clock.monotonic() + left
    for (;;) {
      const now = this.now()
      const reached = now
        ? ({ kind: 'Reached', flow: now } as const)
        : await this.#approach.next(end - clock.monotonic())
      if (reached.kind === 'Reached' || reached.kind === 'Aborted' || !this.#turn(this.#approach.current, reached)) {
        return reached
      }
    }
  }

  /** How long the address in use may say nothing at all, milliseconds; undefined: it is the last. */
  patience(left: number): number | undefined {
    return this.#approach.patience(left, Math.min(this.#waiting.length, this.#follow))
  }

  /** It had no success at `flow`, for a reason or with a final response. A step: `next` leads on. */
  after(flow: Flow, why: Failure, response?: Response): Step | undefined {
    if (this.#approach.after(why, response?.headers.get('retry-after'))) return 'Readdressed'
    if (response && response.code < 400) this.#redirected(response)
    // 21.6: a 6xx says that nobody else will do either.
    if (why.kind === 'Aborted' || why.kind === 'NoFinalResponse' || (response && response.code >= 600)) return undefined
    return this.#turn(flow.remote, why) ? 'Redirected' : undefined
  }

  #redirected(response: Response): void {
    if (this.#follow === 0) return
    this.#asked ??= new Set([destinationKey(this.#current)])
    const fresh = destinations(response, this.#current).filter((each) => {
      const key = destinationKey(each)
      if (this.#asked?.has(key)) return false
      this.#asked?.add(key)
      return this.#mayFollow(each.uri)
    })
    this.#waiting = [...fresh, ...this.#waiting]
  }

  #turn({ host, port, transport }: Endpoint, why: Failure): boolean {
    const next = this.#follow > 0 ? this.#waiting.shift() : undefined
    if (!next) return false
    this.#before = [...this.attempts, { remote: { host, port, transport }, why }]
    this.#follow--
    this.#current = next
    this.#approach = this.#approachOf(next)
    return true
  }

  #approachOf({ uri, party }: Destination): Approach {
    return new Approach(this.#core, towards(party.nextHop, uri), this.#signal)
  }
}
