/** A confirmed dialog with its session (RFC 3261 12.2, 14, 15): BYE from either side and the peer's re-INVITE. How it came about is not its matter. */
import { type Accepted, awaitAcknowledgement } from '../transaction/accepted.ts'
import type { Authenticator } from '../digest/authenticator.ts'
import { buildResponse, contactUri, finish, type ResponseOptions } from '../message/build.ts'
import { type Core, type DialogUser, reach, reachNow } from '../core.ts'
import type { Dialog } from './dialog.ts'
import type { Call, CallEnd, CallTimings, Endpoint, Failure } from '../engine.ts'
import { exchange } from './exchange.ts'
import { type Arrival, type Flow, hold } from '../transport/flow.ts'
import type { Journal } from '../trace/journal.ts'
import { type Request, sessionDescription } from '../message/message.ts'
import type { ClientInvite } from '../transaction/client-invite.ts'
import type { ServerInvite } from '../transaction/server-invite.ts'
import type { ServerNonInvite } from '../transaction/server-non-invite.ts'
import { TRANSACTION_TIMEOUT } from '../transaction/timers.ts'
import { parseParameters, quote } from '../message/uri.ts'

export interface CallSetup {
  core: Core
  dialog: Dialog
  journal: Journal
  timings: CallTimings
  /** Where the message came from that confirmed it. */
  flow: Flow
  authenticator: Authenticator
  /** User part of our Contact. */
  contactUser: string
  userAgent: string | undefined
  sdp: string
  onReoffer: ((sdp: string | undefined) => string | undefined) | undefined
  /** The INVITE of ours that made it. */
  invite?: ClientInvite
}

type ByeOutcome = { kind: 'Done'; code: number } | Failure

export class EstablishedCall implements Call, DialogUser {
  readonly #setup: CallSetup
  readonly #ended = Promise.withResolvers<CallEnd>()
  readonly #held: Disposable
  #over = false
  #bye: Promise<ByeOutcome> | undefined
  #accepted: Accepted | undefined

  constructor(setup: CallSetup) {
    this.#setup = setup
    this.#held = hold(setup.flow)
    setup.core.dialogs.set(setup.dialog.key, this)
  }

  get dialog(): Dialog {
    return this.#setup.dialog
  }

  get callId(): string {
    return this.#setup.dialog.callId
  }

  get timings(): CallTimings {
    return this.#setup.timings
  }

  get counters(): Journal['counters'] {
    return this.#setup.journal.counters
  }

  get remote(): Endpoint {
    return this.#setup.flow.remote
  }

  get userAgent(): string | undefined {
    return this.#setup.userAgent
  }

  get sdp(): string {
    return this.#setup.sdp
  }

  get ended(): Promise<CallEnd> {
    return this.#ended.promise
  }

  bye(reason?: string): Promise<ByeOutcome> {
    // The peer's BYE was first: nothing is left to hang up.
    this.#bye ??= this.#over ? Promise.resolve({ kind: 'Done', code: 200 }) : this.#hangUp({ by: 'Local' }, reason)
    return this.#bye
  }

  request(request: Request, arrival: Arrival, transaction: ServerNonInvite): void {
    const { core, dialog, journal, timings } = this.#setup
    transaction.keep(journal)
    const respond = (options: ResponseOptions): void =>
      transaction.respond(options.code, buildResponse(core, request, arrival, options))
    if (!dialog.inOrder(request)) return respond({ code: 500, reason: 'CSeq Out Of Order' })
    switch (request.method) {
      case 'BYE': {
        respond({ code: 200 })
        timings.byeReceived ??= arrival.at
        const reason = reasonText(request.headers.get('reason'))
        core.dialogs.delete(dialog.key)
        this.#setup.invite?.retire(dialog.remoteTag)
        return this.#end({ by: 'Remote', ...(reason !== undefined && { reason }) })
      }
      case 'OPTIONS':
        return respond({ code: 200, headers: [['Allow', core.allow()]] })
      default:
        return respond({ code: 405, headers: [['Allow', core.allow()]] })
    }
  }

  /** 14.2. Our answer is final at once, so that two of them never overlap before it. */
  invite(request: Request, arrival: Arrival, transaction: ServerInvite): void {
    const { core, dialog, journal, contactUser, onReoffer } = this.#setup
    transaction.keep(journal)
    const respond = (options: ResponseOptions): string => {
      const text = buildResponse(core, request, arrival, options)
      transaction.respond(options.code, text)
      return text
    }
    if (!dialog.inOrder(request)) return void respond({ code: 500, reason: 'CSeq Out Of Order' })
    if (this.#over) return void respond({ code: 481 })
    // The one before still waits for its ACK.
    if (this.#accepted) return void respond({ code: 500, headers: [['Retry-After', '2']] })
    const sdp = onReoffer?.(sessionDescription(request))
    if (sdp === undefined) return void respond({ code: 488 })
    dialog.refreshTarget(request.headers)
    const contact = `<${contactUri(arrival.flow, contactUser)}>`
    const accepted = respond({
      code: 200,
      headers: [
        ['Contact', contact],
        ['Allow', core.allow()],
      ],
      body: sdp,
    })
    this.#accepted = awaitAcknowledgement(
      core.wheel,
      () => transaction.respond(200, accepted),
      () => {
        this.#bye ??= this.#hangUp({ by: 'Timeout' })
      },
    )
  }

  acknowledged(_request: Request, arrival: Arrival): void {
    this.#setup.journal.received(arrival, this.#accepted === undefined)
    this.#accepted?.stop()
    this.#accepted = undefined
  }

  stopped(): void {
    this.#end({ by: 'Local' })
  }

  #end(end: CallEnd): void {
    this.#over = true
    this.#held[Symbol.dispose]()
    this.#accepted?.stop()
    this.#accepted = undefined
    this.#ended.resolve(end)
  }

  /** 15.1.1: the session is over as soon as the BYE is sent, whatever becomes of it. */
  async #hangUp(end: CallEnd, reason?: string): Promise<ByeOutcome> {
    const { core, dialog, journal, timings, authenticator } = this.#setup
    this.#end(end)
    const outcome = await exchange(core, {
      ...{ nextHop: dialog.nextHop, method: 'BYE', uri: dialog.requestUri, authenticator, journal },
      build: (flow, credentials) => {
        timings.byeSent ??= core.clock.monotonic()
        const bye = dialog.request('BYE')
        if (reason !== undefined) bye.headers.add('Reason', `SIP;text=${quote(reason)}`)
        for (const [name, value] of credentials) bye.headers.add(name, value)
        return finish(core, flow, bye)
      },
    })
    core.dialogs.delete(dialog.key)
    this.#setup.invite?.retire(dialog.remoteTag)
    if (outcome.kind === 'Failed') return outcome.failure
    const { code, reason: phrase } = outcome.response
    timings.byeAnswered = outcome.at
    return code < 300 ? { kind: 'Done', code } : { kind: 'Rejected', code, reason: phrase }
  }
}

/** The text of a Reason header (RFC 3326), or all of it when it has none. */
function reasonText(value: string | undefined): string | undefined {
  return value === undefined ? undefined : (parseParameters(value).get('text') ?? value)
}

/**
 * Sends the ACK of a 2xx (13.2.2.4): a request of its own inside the dialog, with the credentials of its INVITE (22.1).
 * Calling the result sends it again, for a 2xx that came again.
 */
export function acknowledge(core: Core, dialog: Dialog, invite: Request, journal: Journal): () => void {
  let sent: { flow: Flow; text: string } | undefined
  const send = (flow: Flow): void => {
    const ack = dialog.request('ACK', invite.headers.cseq?.number ?? 1)
    for (const name of ['Authorization', 'Proxy-Authorization']) {
      ack.headers.addAll(name, invite.headers.all(name.toLowerCase()))
    }
    const { text } = finish(core, flow, ack)
    sent = { flow, text }
    transmit(sent, false)
  }
  const transmit = ({ flow, text }: { flow: Flow; text: string }, again: boolean): void => {
    journal.sent(text, flow, again)
    flow.send(text)
  }
  const { nextHop } = dialog
  const now = reachNow(core, nextHop)
  if (now) send(now)
  else {
    // When it cannot be reached the peer gives up by itself: it sends its 2xx again until 64*T1 and then BYE.
    void reach(core, nextHop, { timeout: TRANSACTION_TIMEOUT }).then((reached) => {
      if (reached.kind === 'Reached') send(reached.flow)
    })
  }
  return () => sent && transmit(sent, true)
}
