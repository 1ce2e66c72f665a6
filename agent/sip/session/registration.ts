/** One binding at a registrar (RFC 3261 10.2): made, refreshed before it expires, and removed. Bindings of others are never touched. */
import { backoff } from '../../../lib/backoff.ts'
import { Authenticator } from '../digest/authenticator.ts'
import { contactUri, domainUri, finish, outsideDialog } from '../message/build.ts'
import type { Core } from '../core.ts'
import type { Failure, RegisterOutcome, Registration, RequestOptions, SignallingCounters } from '../engine.ts'
import { exchange, type ExchangeOutcome } from './exchange.ts'
import { type Flow, hold } from '../transport/flow.ts'
import type { Headers } from '../message/headers.ts'
import { Journal } from '../trace/journal.ts'
import type { Response } from '../message/message.ts'
import type { Timer } from '../transaction/timer-wheel.ts'
import { bracketed, parseNameAddress, parseUri } from '../message/uri.ts'

export type RegisterOptions = RequestOptions & { expires: number }

/** Milliseconds that are spent on taking back a REGISTER whose answer nobody waited for. */
const TAKE_BACK_TIMEOUT = 2_000

/** Milliseconds between tries of a refresh. */
const RETRY = { first: 1_000, longest: 30_000 }

export async function register(core: Core, options: RegisterOptions): Promise<RegisterOutcome> {
  const binding = new Binding(core, options)
  const outcome = await binding.ask(options.expires, options.timeout, options.signal)
  if (outcome.kind === 'Registered') return { ...outcome, registration: binding }
  const { failure, sent } = outcome
  // The registrar may have stored it all the same, or will when the packet arrives.
  if (sent && failure.kind === 'Aborted') await binding.remove(TAKE_BACK_TIMEOUT)
  else if (sent && (failure.kind === 'NoResponse' || failure.kind === 'NoFinalResponse')) {
    void binding.remove(TAKE_BACK_TIMEOUT)
  }
  return failure
}

type Final = Extract<ExchangeOutcome, { kind: 'Final' }>

type AskOutcome =
  | { kind: 'Registered'; milliseconds: number; code: number; reason: string }
  | { kind: 'Failed'; failure: Failure; sent: boolean }

class Binding implements Registration {
  readonly #core: Core
  readonly #options: RegisterOptions
  readonly #journal: Journal
  readonly #authenticator: Authenticator
  readonly #fromTag: string
  readonly #lost = Promise.withResolvers<Failure>()
  #contact = ''
  #sequence = 0
  #expires = 0
  /** Clock.monotonic when the registrar forgets it, milliseconds. */
  #expiresAt = 0
  #refresh: Timer | undefined
  #held: Disposable | undefined
  /** The REGISTER that is under way: the next one must not overtake it (10.2). */
  #busy: Promise<unknown> = Promise.resolve()
  #removed: Promise<{ kind: 'Unregistered' } | Failure> | undefined

  constructor(core: Core, options: RegisterOptions) {
    this.#core = core
    this.#options = options
    this.#journal = new Journal(core.clock, options.trace)
    this.#authenticator = new Authenticator(options.party.credentials, core.random)
    this.#fromTag = core.identifiers.tag()
  }

  get expires(): number {
    return this.#expires
  }

  get contact(): string {
    return this.#contact
  }

  get counters(): SignallingCounters {
    return this.#journal.counters
  }

  get lost(): Promise<Failure> {
    return this.#lost.promise
  }

  unregister(): Promise<{ kind: 'Unregistered' } | Failure> {
    this.#removed ??= this.remove(this.#options.timeout)
    return this.#removed
  }

  async remove(timeout: number): Promise<{ kind: 'Unregistered' } | Failure> {
    this.#refresh?.cancel()
    await this.#busy
    this.#refresh?.cancel()
    const outcome = await this.#send(0, timeout)
    this.#end()
    if (outcome.kind === 'Failed') return outcome.failure
    const { code, reason } = outcome.response
    return code < 300 ? { kind: 'Unregistered' } : { kind: 'Rejected', code, reason }
  }

  async ask(expires: number, timeout: number, signal?: AbortSignal): Promise<AskOutcome> {
    const first = await this.#send(expires, timeout, signal)
    if (first.kind === 'Failed') return first
    const { milliseconds } = first
    const least = leastExpires(first.response)
    // 10.2.8, but once: a registrar that wants more each time would be asked without end.
    if (least === undefined || least <= expires || milliseconds >= timeout) return this.#read(first, expires)
    const second = await this.#send(least, timeout - milliseconds, signal)
    if (second.kind === 'Failed') return second
    return this.#read({ ...second, milliseconds: milliseconds + second.milliseconds }, least)
  }

  #read({ response, milliseconds, flow }: Final, asked: number): AskOutcome {
    const { code, reason, headers } = response
    if (code >= 300) return { kind: 'Failed', failure: { kind: 'Rejected', code, reason }, sent: true }
    this.#hold(flow)
    this.#granted(headers, asked)
    return { kind: 'Registered', milliseconds, code, reason }
  }

  /** Calls come over the connection that the registrar knows us by. */
  #hold(flow: Flow): void {
    this.#held?.[Symbol.dispose]()
    this.#held = hold(flow)
  }

  #granted(headers: Headers, asked: number): void {
    this.#expires = grantedExpires(headers, this.#contact) ?? asked
    this.#expiresAt = this.#core.clock.monotonic() + this.#expires * 1000
    this.#core.registrations.add(this)
    if (!this.#removed) this.#refreshIn(refreshAfter(this.#expires) * 1000, 0)
  }

  #refreshIn(milliseconds: number, failures: number): void {
    this.#refresh = this.#core.wheel.start(milliseconds, () => {
      this.#busy = this.#again(failures)
    })
  }

  /** What may pass is tried again: until it expires, the binding is there whatever became of a refresh. */
  async #again(failures: number): Promise<void> {
    const { clock, random, wheel } = this.#core
    const { expires, timeout } = this.#options
    const outcome = await this.ask(expires, Math.min(timeout, this.#expiresAt - clock.monotonic()))
    if (outcome.kind === 'Registered' || this.#removed) return
    const { failure } = outcome
    const left = this.#expiresAt - clock.monotonic()
    if (left <= 0 || !mayPass(failure)) return this.#lose(failure)
    const delay = backoff(failures + 1, RETRY, random)
    if (delay < left) this.#refreshIn(delay, failures + 1)
    else this.#refresh = wheel.start(left, () => this.#lose(failure))
  }

  #lose(failure: Failure): void {
    this.#end()
    this.#core.log?.warn({ failure, contact: this.#contact }, 'a registration was not refreshed')
    this.#lost.resolve(failure)
  }

  #end(): void {
    this.#core.registrations.delete(this)
    this.#held?.[Symbol.dispose]()
  }

  #send(expires: number, timeout: number, signal?: AbortSignal): Promise<ExchangeOutcome> {
    const { party, callId } = this.#options
    const uri = domainUri(party.aor)
    return exchange(this.#core, {
      ...{ nextHop: party.nextHop, method: 'REGISTER', uri, timeout, signal },
      authenticator: this.#authenticator,
      journal: this.#journal,
      build: (flow, credentials) => {
        // The same through all its life, or the registrar would keep two.
        this.#contact ||= contactUri(flow, party.contactUser)
        const sequence = ++this.#sequence
        const headers = outsideDialog(party, {
          method: 'REGISTER',
          to: party.aor,
          callId,
          fromTag: this.#fromTag,
          sequence,
        })
          .add('Contact', `<${this.#contact}>;expires=${expires}`)
          .add('Expires', String(expires))
        for (const [name, value] of credentials) headers.add(name, value)
        return finish(this.#core, flow, { method: 'REGISTER', uri, headers })
      },
    })
  }
}

/** Seconds until the refresh: room for one whole transaction before it expires, and half of the time when it is short. */
function refreshAfter(expires: number): number {
  return expires > 128 ? expires - 64 : expires / 2
}

/** What a 423 asks for, seconds. */
function leastExpires({ code, headers }: Response): number | undefined {
  const text = headers.get('min-expires') ?? ''
  return code === 423 && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

/** Whether the same request may have more success a little later (21.4, 21.5). */
function mayPass(failure: Failure): boolean {
  switch (failure.kind) {
    case 'Rejected':
      return failure.code === 408 || failure.code === 480 || (failure.code >= 500 && failure.code < 600)
    case 'NoResponse':
    case 'NoFinalResponse':
    case 'DnsFailed':
    case 'ConnectFailed':
      return true
    case 'TlsFailed':
    case 'AuthenticationFailed':
    case 'Aborted':
      return false
  }
}

/** 10.2.4: what the registrar granted is said at our contact, among all others of the address-of-record; else in Expires. */
function grantedExpires(headers: Headers, contact: string): number | undefined {
  const own = headers
    .list('contact')
    .map(parseNameAddress)
    .find((each) => each !== undefined && sameBinding(each.uri, contact))
  const text = own?.parameters.get('expires') ?? headers.get('expires') ?? ''
  return /^\d{1,9}$/.test(text.trim()) && Number(text) > 0 ? Number(text) : undefined
}

/** User, host and port are enough: a registrar may have added parameters. */
function sameBinding(one: string, other: string): boolean {
  const [left, right] = [parseUri(one), parseUri(other)]
  if (!left || !right) return false
  return left.user === right.user && bracketed(left.host) === bracketed(right.host) && left.port === right.port
}
