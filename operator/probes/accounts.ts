/** Who may call with which account now: one user at a time, and never more than the trunk's guard allows. Nothing of it outlives the process. */
import type { SipRegistrarSpec } from '../../crds/index.ts'
import type { Clock } from '../../lib/clock.ts'

type Policy = NonNullable<SipRegistrarSpec['policy']>

export interface LeaseRequest {
  /** Namespace and name of the registrar. */
  registrar: string
  /** Absent: a trunk that knows us by our address, where nobody is in anybody's way. */
  username?: string
  policy: Policy | undefined
  /** Clock.now at which the wait ends without a lease. */
  until: number
  signal: AbortSignal
}

interface Waiting extends LeaseRequest {
  grant: () => void
}

/** Leases are given in the order they were asked for, as far as account and trunk are free. */
export class AccountLeases {
  readonly #clock: Clock
  readonly #taken = new Set<string>()
  readonly #calls = new Map<string, number>()
  /** Clock.monotonic before which the registrar takes no further call (maxCallsPerSecond). */
  readonly #notBefore = new Map<string, number>()
  #waiting: Waiting[] = []
  #wake: Disposable | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Undefined: the account or the trunk was not free in time. Dispose the lease when the account's binding is gone. */
  async take(request: LeaseRequest): Promise<Disposable | undefined> {
    if (request.signal.aborted) return undefined
    return new Promise((resolve) => {
      const settle = (lease: Disposable | undefined) => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting)
        deadline[Symbol.dispose]()
        request.signal.removeEventListener('abort', giveUp)
        resolve(lease)
      }
      const giveUp = () => settle(undefined)
      const waiting: Waiting = { ...request, grant: () => settle(this.#lease(request)) }
      const deadline = this.#clock.timer(request.until - this.#clock.now(), giveUp)
      request.signal.addEventListener('abort', giveUp)
      this.#waiting.push(waiting)
      this.#serve()
    })
  }

  #lease(request: LeaseRequest): Disposable {
    const account = accountOf(request)
    if (account !== undefined) this.#taken.add(account)
    this.#calls.set(request.registrar, (this.#calls.get(request.registrar) ?? 0) + 1)
    const perSecond = request.policy?.maxCallsPerSecond
    if (perSecond !== undefined) this.#notBefore.set(request.registrar, this.#clock.monotonic() + 1000 / perSecond)
    let released = false
    return {
      [Symbol.dispose]: () => {
        if (released) return
        released = true
        if (account !== undefined) this.#taken.delete(account)
        const left = (this.#calls.get(request.registrar) ?? 1) - 1
        if (left > 0) this.#calls.set(request.registrar, left)
        else this.#calls.delete(request.registrar)
        this.#serve()
      },
    }
  }

  #serve(): void {
    this.#wake?.[Symbol.dispose]()
    this.#wake = undefined
    let soonest = Number.POSITIVE_INFINITY
    for (const waiting of this.#waiting) {
      const delay = this.#delay(waiting)
      if (delay === 0) waiting.grant()
      else if (delay !== undefined) soonest = Math.min(soonest, delay)
    }
    if (soonest < Number.POSITIVE_INFINITY) this.#wake = this.#clock.timer(soonest, () => this.#serve())
  }

  /** Milliseconds until the trunk's rate allows it; undefined: a release must come first. */
  #delay(request: LeaseRequest): number | undefined {
    const account = accountOf(request)
    if (account !== undefined && this.#taken.has(account)) return undefined
    const most = request.policy?.maxConcurrentCalls
    if (most !== undefined && (this.#calls.get(request.registrar) ?? 0) >= most) return undefined
    return Math.max(0, (this.#notBefore.get(request.registrar) ?? 0) - this.#clock.monotonic())
  }
}

const accountOf = ({ registrar, username }: LeaseRequest): string | undefined =>
  username === undefined ? undefined : `${registrar}/${username}`
