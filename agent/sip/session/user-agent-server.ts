/** Receives requests (RFC 3261 8.2): what is refused at once, what belongs to a dialog, and who takes the rest. */
import { buildResponse, respondOnce, type ResponseOptions } from '../transport/build.ts'
import { allowed, everything, OWN_METHODS, unsupported } from './capabilities.ts'
import type { Core, DialogUser } from '../core.ts'
import { faultOf, unacceptable } from './bad-request.ts'
import type { IncomingCall, IncomingRequest } from '../engine.ts'
import type { Arrival } from '../transport/flow.ts'
import { headerKey } from '../message/header-names.ts'
import { IncomingInvite, type Replacing } from './incoming-invite.ts'
import { hangUpLate } from './late-answer.ts'
import type { Request, Response } from '../message/message.ts'
import { methodAt } from '../message/methods.ts'
import type { Incoming, Load, TransactionUser } from '../transaction/layer.ts'
import { ServerInvite } from '../transaction/server-invite.ts'
import type { ServerNonInvite } from '../transaction/server-non-invite.ts'
import { reasonOf } from './reason.ts'
import { parseReplaces } from './replaces.ts'
import { tooBrief } from './session-timer.ts'
import { parseUri, schemeOf, unescaped, type Uri } from '../message/uri.ts'

/** Methods that have a meaning inside a dialog alone; NOTIFY, as long as nobody subscribed outside of one. */
const INSIDE = new Set(['BYE', 'PRACK', 'UPDATE', 'INFO', 'NOTIFY'])

type CallHandler = (call: IncomingCall) => void

interface CallTaker {
  handler: CallHandler
  untraced: boolean
}

type RequestHandler = (request: IncomingRequest) => void

export class UserAgentServer implements TransactionUser {
  readonly #core: Core
  readonly #calls = new Map<string | undefined, CallTaker>()
  readonly #requests = new Map<string, RequestHandler>()
  #allow: string | undefined

  constructor(core: Core) {
    this.#core = core
  }

  /** @throws when the user, or the method, is taken already */
  onInvite(user: string | undefined, handler: CallHandler, { untraced = false } = {}): Disposable {
    return take(this.#calls, user, { handler, untraced })
  }

  /** @throws when the method is taken already */
  onRequest(method: string, handler: RequestHandler): Disposable {
    this.#allow = undefined
    const taken = take(this.#requests, method, handler)
    return {
      [Symbol.dispose]: () => {
        taken[Symbol.dispose]()
        this.#allow = undefined
      },
    }
  }

  allow(): string {
    return (this.#allow ??= [...new Set([...OWN_METHODS, ...this.#requests.keys()])].join(', '))
  }

  /** What is not known is told 501, whatever else is wrong with it; what is known and has no taker is not allowed here (405). */
  knows(method: string): boolean {
    return methodAt(method) >= 0 || this.#requests.has(method)
  }

  trying(request: Request, arrival: Arrival): string {
    return buildResponse(this.#core, request, arrival, { code: 100 })
  }

  admits(request: Request, arrival: Arrival, { transactions, bytes }: Load): boolean {
    const { limits, dialogs, refused } = this.#core
    const room = (times: number): boolean =>
      transactions < limits.serverTransactions * times && bytes < limits.serverBytes * times
    // What ends a call has room when a flood of what begins one has used up its own.
    const within = room(1) || (room(2) && this.#belongs(request))
    const begins = request.method === 'INVITE' && request.headers.toTag === undefined
    if (within && !(begins && dialogs.size >= limits.dialogs)) return true
    refused[within ? 'dialogs' : 'transactions']++
    respondOnce(this.#core, request, arrival, { code: 503 })
    return false
  }

  /** Inside a dialog of ours, or the CANCEL of an INVITE that we have. */
  #belongs(request: Request): boolean {
    if (request.method === 'CANCEL') return this.#core.transactions.cancelled(request) !== undefined
    return request.headers.toTag !== undefined && this.#dialogOf(request) !== undefined
  }

  request(request: Request, arrival: Arrival, incoming: Incoming, merged: boolean): void {
    const { transaction } = incoming
    const respond = (options: ResponseOptions): void =>
      transaction.respond(options.code, buildResponse(this.#core, request, arrival, options))
    const target = parseUri(request.uri)
    const refusal = this.#refusal(request, target, merged)
    if (refusal) return respond(refusal)
    if (request.headers.toTag !== undefined && request.method !== 'CANCEL') {
      return this.#inDialog(request, arrival, incoming, respond)
    }
    if (incoming.kind === 'Invite')
      return this.#invite(request, target, arrival, { transaction: incoming.transaction, respond })
    if (request.method === 'CANCEL') return this.#cancel(request, incoming.transaction, respond)
    if (request.method === 'OPTIONS') return respond({ code: 200, headers: everything(this.#core) })
    this.#other(request, arrival, respond)
  }

  acknowledged(request: Request, arrival: Arrival): void {
    this.#dialogOf(request)?.acknowledged(request, arrival)
  }

  answeredLate(response: Response, arrival: Arrival): void {
    hangUpLate(this.#core, response, arrival)
  }

  /** 8.2.1, 8.2.2. */
  #refusal(request: Request, target: Uri | undefined, merged: boolean): ResponseOptions | undefined {
    const { method, version, uri } = request
    if (version !== 'SIP/2.0') return { code: 505 }
    if (!this.knows(method)) return { code: 501, headers: [allowed(this.#core)] }
    const fault = faultOf(request, target)
    if (fault !== undefined) return { code: 400, reason: `Bad Request: ${fault}` }
    if (!['sip', 'sips', 'tel'].includes(target?.scheme ?? schemeOf(uri) ?? '')) return { code: 416 }
    if (method === 'CANCEL') return undefined
    return merged ? { code: 482 } : (unsupported(request) ?? unacceptable(request))
  }

  #inDialog(request: Request, arrival: Arrival, incoming: Incoming, respond: (options: ResponseOptions) => void): void {
    const user = this.#dialogOf(request)
    if (!user) return respond({ code: 481 })
    if (incoming.kind === 'Invite') user.invite(request, arrival, incoming.transaction)
    else user.request(request, arrival, incoming.transaction)
  }

  #dialogOf({ headers }: Request) {
    const { callId, toTag = '', fromTag = '' } = headers
    return this.#core.dialogs.find({ callId, localTag: toTag, remoteTag: fromTag })
  }

  #invite(
    request: Request,
    target: Uri | undefined,
    arrival: Arrival,
    { transaction, respond }: { transaction: ServerInvite; respond: (options: ResponseOptions) => void },
  ): void {
    const user = target?.user ?? ''
    const taker = this.#calls.get(unescaped(user)) ?? this.#calls.get(undefined)
    if (!taker) return respond({ code: 404 })
    const refusal = tooBrief(request)
    if (refusal) return respond(refusal)
    const replacing = replacedBy(this.#core, request)
    if (replacing && 'code' in replacing) return respond(replacing)
    const call = new IncomingInvite(this.#core, request, arrival, {
      transaction,
      user,
      replacing,
      untraced: taker.untraced,
    })
    transaction.answering = call
    this.#guarded(
      () => taker.handler(call),
      () => call.reject(500),
    )
  }

  /** 9.2: the CANCEL is answered by itself, then the INVITE with 487. */
  #cancel(request: Request, transaction: ServerNonInvite, respond: (options: ResponseOptions) => void): void {
    const invite = this.#core.transactions.cancelled(request)
    if (!invite) return respond({ code: 481 })
    const call = invite instanceof ServerInvite ? invite.answering : undefined
    call?.keep(transaction)
    if (invite.ignored) return
    respond({ code: 200 })
    call?.cancel(487, reasonOf(request.headers))
  }

  #other(request: Request, arrival: Arrival, respond: (options: ResponseOptions) => void): void {
    const handler = this.#requests.get(request.method)
    if (!handler) return respond(strayed(this.#core, request))
    const incoming: IncomingRequest = {
      method: request.method,
      header: (name) => request.headers.all(headerKey(name)),
      requestUri: request.uri,
      remote: arrival.flow.remote,
      respond: (code, reason, headers = []) => respond({ code, reason, headers }),
    }
    this.#guarded(
      () => handler(incoming),
      () => respond({ code: 500 }),
    )
  }

  /** A taker that throws must not take the socket's callback with it. */
  #guarded(handler: () => void, refuse: () => void): void {
    try {
      handler()
    } catch (error) {
      this.#core.log?.warn({ error }, 'a handler of SIP requests threw')
      refuse()
    }
  }
}

/** What belongs into a dialog is none of ours outside of one; nobody here calls for a stranger. */
function strayed(core: Core, { method }: Request): ResponseOptions {
  if (INSIDE.has(method)) return { code: 481 }
  return method === 'REFER' ? { code: 603 } : { code: 405, headers: [allowed(core)] }
}

/** RFC 3891 3: the dialog that an INVITE is to take the place of, or why it cannot. Undefined: it names none. */
function replacedBy({ dialogs }: Core, { headers }: Request): Replacing | ResponseOptions | undefined {
  const values = headers.all('replaces')
  if (values.length === 0) return undefined
  const replaces = values.length === 1 ? parseReplaces(values[0] ?? '') : undefined
  if (!replaces) return { code: 400, reason: 'Bad Replaces' }
  const { callId, toTag, fromTag, earlyOnly } = replaces
  const user: DialogUser | undefined = dialogs.find({ callId, localTag: toTag, remoteTag: fromTag })
  if (!user?.replaceable) return { code: 481 }
  if (user.replaceable === 'Over') return { code: 603 }
  return earlyOnly && user.replaceable === 'Confirmed' ? { code: 486 } : { replaces, user }
}

function take<Key, Handler>(takers: Map<Key, Handler>, key: Key, handler: Handler): Disposable {
  if (takers.has(key)) throw new Error(`${key === undefined ? 'the rest' : String(key)} is taken already`)
  takers.set(key, handler)
  return { [Symbol.dispose]: () => void (takers.get(key) === handler && takers.delete(key)) }
}
