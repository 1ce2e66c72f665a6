/** REFER inside a call, and the NOTIFYs that tell what became of it (RFC 3515, 4488), both ways. It calls nobody: the run does. */
import type { DoneOutcome, ReferOptions, Referral, Replaces } from '../engine.ts'
import { type HeaderField, oneLine } from '../transport/build.ts'
import type { Headers } from '../message/headers.ts'
import type { Request } from '../message/message.ts'
import { reasonPhrase } from '../message/reason-phrase.ts'
import { parseNameAddress } from '../message/uri.ts'
import type { Timer } from '../transaction/timer-wheel.ts'
import { parseReferTo, referTo } from './replaces.ts'
import type { Arrival } from '../transport/flow.ts'
import type { ExchangeOutcome } from './exchange.ts'
import { ask, contactField, done, type Respond, type Session } from './session.ts'

/** Seconds that a subscription lives: longer than any INVITE rings. */
const SUBSCRIPTION = 190

/** Subscriptions of one call, each way; a call is transferred once. */
const MOST = 8

const SIPFRAG = 'message/sipfrag;version=2.0'

type Progress = NonNullable<ReferOptions['onProgress']>

/**
 *     referrer                             referee
 *        |-- REFER, Refer-To: <target> ------>|
 *        |<-- 202 Accepted -------------------|
 *        |<-- NOTIFY, SIP/2.0 100 Trying -----|  INVITE --> target
 *        |<-- NOTIFY, SIP/2.0 200 OK, --------|  <-- 200
 *        |    Subscription-State: terminated  |
 */
export class Transfers {
  readonly #session: Session
  /** Told when the last subscription has ended. */
  readonly #idle: () => void
  /** Of our REFERs, by their CSeq: what `id` in an Event is. */
  readonly #awaited = new Map<number, { progress: Progress | undefined; limit: Timer }>()
  readonly #reported = new Set<Notifier>()

  constructor(session: Session, idle: () => void) {
    this.#session = session
    this.#idle = idle
  }

  /** Subscriptions either way: they may outlive the call (RFC 5057 5). */
  get open(): boolean {
    return this.#awaited.size + this.#reported.size > 0
  }

  async refer(target: string, { replaces, onProgress, subscribe = true }: ReferOptions): Promise<DoneOutcome> {
    let identifier = 0
    const headers: HeaderField[] = [['Refer-To', referTo(target, replaces)]]
    if (!subscribe) headers.push(['Refer-Sub', 'false'], ['Supported', 'norefersub'])
    const outcome = await ask(this.#session, {
      ...{ method: 'REFER', headers, contact: true },
      numbered: (sequence) => {
        this.#forget(identifier)
        identifier = sequence
        // A NOTIFY may come before the 202.
        if (subscribe) this.#await(sequence, onProgress)
      },
    })
    const result = done(outcome)
    const unwatched = outcome.kind === 'Final' && unsubscribed(outcome.response.headers)
    if (result.kind !== 'Done' || unwatched) {
      this.#forget(identifier)
      this.#look()
    }
    return result
  }

  receive(request: Request, arrival: Arrival, respond: Respond): void {
    const { core, handlers } = this.#session
    const { headers } = request
    const values = headers.list('refer-to')
    const parsed = values.length === 1 ? parseReferTo(values[0] ?? '') : undefined
    if (!parsed) return void respond({ code: 400, reason: 'Bad Refer-To' })
    if (!handlers?.onRefer || this.#reported.size >= MOST) return void respond({ code: 603 })
    const referral = new IncomingReferral(
      { ...parsed, referredBy: parseNameAddress(headers.get('referred-by') ?? '')?.uri },
      (options) =>
        respond({ ...options, headers: [contactField(this.#session, arrival.flow), ...(options.headers ?? [])] }),
      unsubscribed(headers) ? undefined : () => this.#notifier(headers.cseq?.number ?? 0),
    )
    try {
      handlers.onRefer(referral)
    } catch (error) {
      core.log?.warn({ error }, 'a handler of referrals threw')
      referral.decline(500)
    }
  }

  /** RFC 3515 2.4.4. */
  notified(request: Request, respond: Respond): void {
    const { headers, body } = request
    if (!/^\s*refer\s*(;|$)/i.test(headers.get('event') ?? '')) {
      return void respond({ code: 489, headers: [['Allow-Events', 'refer']] })
    }
    const identifier = this.#identifier(headers.get('event') ?? '')
    const awaited = this.#awaited.get(identifier)
    if (!awaited) return void respond({ code: 481 })
    respond({ code: 200 })
    const terminated = /^\s*terminated/i.test(headers.get('subscription-state') ?? '')
    const [, code, reason = ''] = /^SIP\/2\.0 (\d{3})(?: ([^\r\n]*))?/i.exec(body) ?? []
    if (terminated) this.#forget(identifier)
    if (code !== undefined) awaited.progress?.({ code: Number(code), reason, terminated })
    this.#look()
  }

  /** RFC 3515 2.4.6: `id` is the CSeq of the REFER; that of the first one may be left out. */
  #identifier(event: string): number {
    const stated = /;\s*id\s*=\s*(\d{1,10})\b/i.exec(event)?.[1]
    return stated === undefined ? (this.#awaited.keys().next().value ?? -1) : Number(stated)
  }

  stop(): void {
    for (const identifier of [...this.#awaited.keys()]) this.#forget(identifier)
    for (const notifier of [...this.#reported]) notifier.stop()
    this.#reported.clear()
  }

  #await(identifier: number, progress: Progress | undefined): void {
    const limit = this.#session.core.wheel.start(SUBSCRIPTION * 1000, () => {
      this.#forget(identifier)
      this.#look()
    })
    this.#awaited.set(identifier, { progress, limit })
  }

  #forget(identifier: number): void {
    this.#awaited.get(identifier)?.limit.cancel()
    this.#awaited.delete(identifier)
  }

  #notifier(identifier: number): Notifier {
    const notifier = new Notifier(this.#session, identifier, () => {
      this.#reported.delete(notifier)
      this.#look()
    })
    this.#reported.add(notifier)
    return notifier
  }

  #look(): void {
    if (!this.open) this.#idle()
  }
}

/** RFC 4488 4. */
function unsubscribed(headers: Headers): boolean {
  return /^\s*false/i.test(headers.get('refer-sub') ?? '')
}

/** RFC 6665 4.2.2. */
function endsSubscription(outcome: ExchangeOutcome): boolean {
  return outcome.kind === 'Final' ? outcome.response.code === 481 : outcome.failure.kind === 'NoResponse'
}

class IncomingReferral implements Referral {
  readonly target: string
  readonly replaces: Referral['replaces']
  readonly referredBy: string | undefined
  readonly #respond: Respond
  /** Undefined: the referrer wants no NOTIFY. */
  readonly #subscribe: (() => Notifier) | undefined
  #notifier: Notifier | undefined
  #decided = false

  constructor(
    { target, replaces, referredBy }: { target: string; replaces?: Replaces; referredBy: string | undefined },
    respond: Respond,
    subscribe: (() => Notifier) | undefined,
  ) {
    this.target = target
    this.replaces = replaces
    this.referredBy = referredBy
    this.#respond = respond
    this.#subscribe = subscribe
  }

  accept(): void {
    if (this.#decided) return
    this.#decided = true
    const headers: HeaderField[] = this.#subscribe ? [] : [['Refer-Sub', 'false']]
    this.#respond({ code: 202, reason: 'Accepted', headers })
    this.#notifier = this.#subscribe?.()
    this.report(100)
  }

  decline(code = 603): void {
    if (this.#decided) return
    this.#decided = true
    this.#respond({ code })
  }

  report(code: number, reason?: string): void {
    this.#notifier?.report(code, reason ?? reasonPhrase(code))
  }
}

/** One subscription of a referrer: its NOTIFYs leave one after the other. */
class Notifier {
  readonly #session: Session
  readonly #identifier: number
  readonly #ended: () => void
  readonly #expires: number
  readonly #limit: Timer
  #queue: Promise<unknown> = Promise.resolve()
  #last = 'SIP/2.0 100 Trying'
  #over = false
  /** The last NOTIFY was answered, or the referrer knows the subscription no more. */
  #through = false

  constructor(session: Session, identifier: number, ended: () => void) {
    const { clock, wheel } = session.core
    this.#session = session
    this.#identifier = identifier
    this.#ended = ended
    this.#expires = clock.monotonic() + SUBSCRIPTION * 1000
    this.#limit = wheel.start(SUBSCRIPTION * 1000, () => this.#end('timeout'))
  }

  report(code: number, reason: string): void {
    if (this.#over) return
    this.#last = `SIP/2.0 ${code} ${oneLine(reason)}`
    if (code >= 200) return this.#end('noresource')
    const left = Math.max(0, Math.round((this.#expires - this.#session.core.clock.monotonic()) / 1000))
    this.#send(`active;expires=${left}`)
  }

  stop(): void {
    this.#over = true
    this.#limit.cancel()
  }

  #end(reason: string): void {
    this.stop()
    this.#send(`terminated;reason=${reason}`, true)
  }

  #send(state: string, last = false): void {
    const headers: HeaderField[] = [
      ['Event', `refer;id=${this.#identifier}`],
      ['Subscription-State', state],
    ]
    const body = `${this.#last}\r\n`
    this.#queue = this.#queue.then(async () => {
      if (this.#through) return
      const outcome = await ask(this.#session, { method: 'NOTIFY', headers, body, contentType: SIPFRAG, contact: true })
      if (!last && !endsSubscription(outcome)) return
      this.#through = true
      this.stop()
      this.#ended()
    })
  }
}
