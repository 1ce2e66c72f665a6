/** One binding at a registrar (RFC 3261 10.2, RFC 5626): made, refreshed before it expires, and removed. Bindings of others are never touched. */
import { isIP } from 'node:net'
import { backoff } from '../../../lib/backoff.ts'
import { Authenticator } from '../digest/authenticator.ts'
import { contactUri, domainUri, finish, outsideDialog } from '../transport/build.ts'
import type { Core } from '../core.ts'
import type {
  Attempted,
  Certified,
  Endpoint,
  Failure,
  LocalParty,
  RegisterOptions,
  RegisterOutcome,
  Registration,
  SignallingCounters,
} from '../engine.ts'
import { exchange, type ExchangeOutcome } from './exchange.ts'
import { certified, type Flow, type FlowWatcher } from '../transport/flow.ts'
import { FlowKeepAlive } from './flow-keep-alive.ts'
import { instanceOf } from '../message/instance.ts'
import type { Headers } from '../message/headers.ts'
import { Journal } from '../trace/journal.ts'
import { type Grant, readGrant } from './register-answer.ts'
import type { Response } from '../message/message.ts'
import type { Timer } from '../transaction/timer-wheel.ts'

/** Milliseconds that are spent on taking back a REGISTER whose answer nobody waited for. */
const TAKE_BACK_TIMEOUT = 2_000

/** Milliseconds between tries of a refresh. */
const RETRY = { first: 1_000, longest: 30_000 }

/** Milliseconds that a connection must have lasted for its loss to be the first one: a peer that closes each at once is not asked without end. */
const LASTING = 60_000

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
  const { counters } = binding
  return { ...failure, counters, ...(outcome.attempts && { attempts: outcome.attempts }) }
}

type Final = Extract<ExchangeOutcome, { kind: 'Final' }>

type AskOutcome = Attempted &
  (
    | ({ kind: 'Registered'; milliseconds: number; code: number; reason: string; remote: Endpoint } & Certified)
    /** `retryAfter`, milliseconds: what the registrar asked for. */
    | { kind: 'Failed'; failure: Failure; sent: boolean; retryAfter?: number }
  )

/** There are many of them that do nothing for most of the time: promises are made when asked for, and of messages nothing is kept. */
class Binding implements Registration, FlowWatcher {
  /** Whether the connection looks after itself. It does not when the registrar has a say in it. */
  keepAlive = true
  readonly #core: Core
  readonly #party: LocalParty
  readonly #callId: string
  /** Seconds; raised when the registrar wants more. */
  #wanted: number
  readonly #timeout: number
  readonly #journal: Journal
  readonly #authenticator: Authenticator
  readonly #fromTag: string
  /** Undefined also when the first hop cannot do RFC 5626. */
  #instance: string | undefined
  /** What the registrar has, and what it was asked to have last. */
  #contact = ''
  #asked = ''
  #sequence = 0
  /** Of several servers behind a name, the one that has it. */
  #server: Endpoint | undefined
  #expires = 0
  #serviceRoute: readonly string[] = []
  /** Clock.monotonic when the registrar forgets it, and when it was last told; milliseconds. */
  #expiresAt = 0
  #refreshedAt = 0
  #refresh: Timer | undefined
  /** A connection that calls come over. */
  #flow: Flow | undefined
  #keepAlive: FlowKeepAlive | undefined
  /** Connections in a row that did not last. */
  #losses = 0
  /** The REGISTER that is under way: the next one must not overtake it (10.2). */
  #busy: Promise<unknown> | undefined
  #removed: Promise<{ kind: 'Unregistered' } | Failure> | undefined
  #failure: Failure | undefined
  #lost: PromiseWithResolvers<Failure> | undefined

  constructor(core: Core, { party, callId, expires, timeout, trace, outbound }: RegisterOptions) {
    this.#core = core
    this.#party = party
    this.#callId = callId
    this.#wanted = expires
    this.#timeout = timeout
    this.#journal = new Journal(core.clock, trace)
    this.#authenticator = new Authenticator(party.credentials, core.random)
    this.#fromTag = core.identifiers.tag()
    this.#instance = outbound && (outbound.instance ?? instanceOf(`${party.aor} ${party.contactUser}`))
  }

  get expires(): number {
    return this.#expires
  }

  get contact(): string {
    return this.#contact
  }

  get serviceRoute(): readonly string[] {
    return this.#serviceRoute
  }

  get counters(): SignallingCounters {
    return this.#journal.counters
  }

  get lost(): Promise<Failure> {
    this.#lost ??= Promise.withResolvers()
    if (this.#failure) this.#lost.resolve(this.#failure)
    return this.#lost.promise
  }

  unregister(): Promise<{ kind: 'Unregistered' } | Failure> {
    this.#removed ??= this.remove(this.#timeout)
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

  /** RFC 5626 4.2: a flow that is lost is made again at once. A REGISTER that is under way finds out by itself. */
  flowLost(): void {
    this.#release()
    if (this.#busy || this.#removed) return
    const { clock, random } = this.#core
    this.#losses = clock.monotonic() - this.#refreshedAt > LASTING ? 0 : this.#losses + 1
    this.#refresh?.cancel()
    const delay = this.#losses < 2 ? 0 : backoff(this.#losses - 1, RETRY, random)
    this.#refreshIn(Math.min(delay, refreshAfter(this.#expires) * 1000), 0)
  }

  async ask(expires: number, timeout: number, signal?: AbortSignal): Promise<AskOutcome> {
    let [wanted, spent] = [expires, 0]
    for (;;) {
      const outcome = await this.#send(wanted, timeout - spent, signal)
      if (outcome.kind === 'Failed') return outcome
      spent += outcome.milliseconds
      const next = spent < timeout ? this.#adapted(outcome.response, wanted, expires) : undefined
      if (next === undefined) return this.#read({ ...outcome, milliseconds: spent }, wanted)
      wanted = next
    }
  }

  /** What to ask for instead, each once: a registrar that wants something else each time would be asked without end. */
  #adapted(response: Response, wanted: number, expires: number): number | undefined {
    const least = leastExpires(response)
    if (least !== undefined) return least > wanted && wanted === expires ? least : undefined
    if (response.code !== FIRST_HOP_LACKS_OUTBOUND || this.#instance === undefined) return undefined
    this.#instance = undefined
    return wanted
  }

  #read({ response, milliseconds, flow, attempts }: Final, wanted: number): AskOutcome {
    const { code, reason, headers } = response
    const attempted = attempts ? { attempts } : {}
    if (code >= 300) {
      const retryAfter = 1000 * (Number.parseInt(headers.get('retry-after') ?? '', 10) || 0)
      return { kind: 'Failed', failure: { kind: 'Rejected', code, reason }, sent: true, retryAfter, ...attempted }
    }
    this.#contact = this.#asked
    const grant = readGrant(headers, { contact: this.#contact, instance: this.#instance })
    this.#granted(grant, wanted)
    this.#keep(flow, grant)
    const { remote } = flow
    if (isIP(this.#party.nextHop.host) === 0) this.#server = remote
    return { kind: 'Registered', milliseconds, code, reason, remote, ...certified(flow), ...attempted }
  }

  #granted({ expires, serviceRoute }: Grant, wanted: number): void {
    const { clock, registrations } = this.#core
    this.#wanted = wanted
    this.#expires = expires ?? wanted
    this.#serviceRoute = serviceRoute
    this.#refreshedAt = clock.monotonic()
    this.#expiresAt = this.#refreshedAt + this.#expires * 1000
    registrations.add(this)
    if (!this.#removed) this.#refreshIn(refreshAfter(this.#expires) * 1000, 0)
  }

  /** Calls come over the connection that the registrar knows us by. */
  #keep(flow: Flow, { flowTimer }: Grant): void {
    this.#release()
    if (flow.reliable && flow.open) {
      this.#flow = flow
      flow.watch(this)
    }
    // A WebSocket has pings of its own (RFC 7118 6).
    if (flowTimer === undefined || flow.transport === 'WS' || flow.transport === 'WSS') return
    this.#keepAlive = new FlowKeepAlive(this.#core, flow, flowTimer, () => {
      flow.retire()
      this.flowLost()
    })
  }

  #release(): void {
    this.#flow?.unwatch(this)
    this.#flow = undefined
    this.#keepAlive?.[Symbol.dispose]()
    this.#keepAlive = undefined
  }

  #refreshIn(milliseconds: number, failures: number): void {
    this.#refresh = this.#core.wheel.start(milliseconds, () => {
      this.#busy = this.#again(failures).finally(() => (this.#busy = undefined))
    })
  }

  /** What may pass is tried again: until it expires, the binding is there whatever became of a refresh. */
  async #again(failures: number): Promise<void> {
    const { clock, random, wheel } = this.#core
    const outcome = await this.ask(this.#wanted, Math.min(this.#timeout, this.#expiresAt - clock.monotonic()))
    if (outcome.kind === 'Registered' || this.#removed) return
    const { failure, retryAfter = 0 } = outcome
    const left = this.#expiresAt - clock.monotonic()
    if (left <= 0 || !mayPass(failure)) return this.#lose(failure)
    const delay = Math.max(retryAfter, backoff(failures + 1, RETRY, random))
    if (delay < left) this.#refreshIn(delay, failures + 1)
    else this.#refresh = wheel.start(left, () => this.#lose(failure))
  }

  /** The engine stops: the registrar is told no more, and whoever waits learns. */
  stopped(): void {
    this.#fail({ kind: 'Aborted' })
  }

  #lose(failure: Failure): void {
    this.#core.log?.warn({ failure, contact: this.#contact }, 'a registration was not refreshed')
    this.#fail(failure)
  }

  #fail(failure: Failure): void {
    this.#end()
    this.#failure = failure
    this.#lost?.resolve(failure)
  }

  #end(): void {
    this.#core.registrations.delete(this)
    this.#release()
  }

  #send(expires: number, timeout: number, signal?: AbortSignal): Promise<ExchangeOutcome> {
    const uri = domainUri(this.#party.aor)
    const { nextHop } = this.#party
    return exchange(this.#core, {
      nextHop: this.#server ? { ...nextHop, prefer: this.#server } : nextHop,
      ...{ method: 'REGISTER', uri, timeout, signal },
      authenticator: this.#authenticator,
      journal: this.#journal,
      build: (flow, credentials) => {
        const headers = this.#headers(flow, expires)
        for (const [name, value] of credentials) headers.add(name, value)
        return finish(this.#core, flow, { method: 'REGISTER', uri, headers })
      },
    })
  }

  #headers(flow: Flow, expires: number): Headers {
    const { aor, contactUser } = this.#party
    const fromTag = this.#fromTag
    const sequence = ++this.#sequence
    const headers = outsideDialog(this.#party, { method: 'REGISTER', to: aor, callId: this.#callId, fromTag, sequence })
    // As long as we are reached under it, it is the same, or the registrar would keep two.
    this.#asked = contactUri(flow, contactUser)
    const outbound = this.#instance === undefined ? '' : `;+sip.instance="<${this.#instance}>";reg-id=1`
    headers.add('Contact', `<${this.#asked}>;expires=${expires}${outbound}`)
    if (this.#contact !== '' && this.#contact !== this.#asked) headers.add('Contact', `<${this.#contact}>;expires=0`)
    return headers
      .add('Expires', String(expires))
      .add('Supported', this.#instance === undefined ? 'path' : 'path, outbound')
  }
}

/** RFC 5626 11.6. */
const FIRST_HOP_LACKS_OUTBOUND = 439

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
    // A server that restarts behind a balancer looks like one that cannot be trusted.
    case 'TlsFailed':
      return true
    case 'AuthenticationFailed':
    case 'Aborted':
      return false
  }
}
