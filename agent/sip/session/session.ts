/** What the parts of one session share: its dialog, its record, and both descriptions; and how a request inside it is sent. It decides nothing. */
import type { Authenticator } from '../digest/authenticator.ts'
import { buildResponse, contactUri, finish, type HeaderField, type ResponseOptions } from '../transport/build.ts'
import type { Core } from '../core.ts'
import type { Dialog } from './dialog.ts'
import type { CallHandlers, CallTimings, DoneOutcome } from '../engine.ts'
import { exchange, type ExchangeOutcome } from './exchange.ts'
import type { Arrival, Flow } from '../transport/flow.ts'
import type { Journal } from '../trace/journal.ts'
import type { Request } from '../message/message.ts'
import type { ServerInvite } from '../transaction/server-invite.ts'
import type { ServerNonInvite } from '../transaction/server-non-invite.ts'

export interface Session {
  readonly core: Core
  readonly dialog: Dialog
  readonly journal: Journal
  authenticator: Authenticator
  /** User part of our Contact. */
  readonly contactUser: string
  /** We sent the INVITE: the Call-ID is ours. */
  readonly outgoing: boolean
  timings: CallTimings
  /** Where the message came from that confirmed the dialog, or began it. */
  flow: Flow
  handlers: CallHandlers | undefined
  userAgent: string | undefined
  /** Branch of the INVITE of ours that made it: its transaction is not held, which ends long before the call. */
  branch?: string
  /** The ACK on its way to a peer that has to be located or connected first: nothing overtakes it. */
  acknowledging?: Promise<void>
  /** Our description that was sent last, and the peer's; empty: there was none. */
  local: string
  sdp: string
}

/** Who has the session: a call, or an early dialog. */
export interface SessionOwner {
  /** BYE was sent or came. */
  readonly over: boolean
  /** The peer knows the dialog no more, or says nothing (RFC 3261 12.2.1.2). */
  died(): void
}

export type Respond = (options: ResponseOptions) => string

/** Answers a request inside the dialog; it and its answers are written down with the session's. */
export function responder(
  { core, journal }: Pick<Session, 'core' | 'journal'>,
  request: Request,
  arrival: Arrival,
  transaction: ServerInvite | ServerNonInvite,
): Respond {
  transaction.keep(journal)
  return (options) => {
    const text = buildResponse(core, request, arrival, options)
    transaction.respond(options.code, text)
    return text
  }
}

export function contactField({ contactUser }: Session, flow: Flow): HeaderField {
  return ['Contact', `<${contactUri(flow, contactUser)}>`]
}

export interface Asking {
  method: string
  headers?: readonly HeaderField[]
  body?: string
  /** Default: a session description. */
  contentType?: string
  /** It may make or refresh a target: it names our Contact. */
  contact?: boolean
  /** Told the CSeq of each round, before it is sent. */
  numbered?: (sequence: number) => void
}

/** One request inside the dialog until its final response, challenges answered with the call's credentials. */
export function ask(session: Session, asking: Asking): Promise<ExchangeOutcome> {
  const { acknowledging } = session
  return acknowledging ? acknowledging.then(() => askNow(session, asking)) : askNow(session, asking)
}

function askNow(session: Session, asking: Asking): Promise<ExchangeOutcome> {
  const { method, headers = [], body, contentType, contact, numbered } = asking
  const { core, dialog, journal, authenticator } = session
  return exchange(core, {
    ...{ nextHop: dialog.nextHop, method, uri: dialog.requestUri, body, authenticator, journal },
    build: (flow, credentials) => {
      const request = dialog.request(method)
      if (contact) request.headers.add(...contactField(session, flow))
      for (const [name, value] of [...headers, ...credentials]) request.headers.add(name, value)
      numbered?.(request.sequence)
      return finish(core, flow, {
        ...request,
        ...(body !== undefined && { body, ...(contentType !== undefined && { contentType }) }),
      })
    },
  })
}

export function done(outcome: ExchangeOutcome): DoneOutcome {
  if (outcome.kind === 'Failed') return outcome.failure
  const { code, reason } = outcome.response
  return code < 300 ? { kind: 'Done', code } : { kind: 'Rejected', code, reason }
}
