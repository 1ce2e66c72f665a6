/** The transaction layer (RFC 3261 17): finds the machine a message belongs to, by branch in a map, and makes new ones. The machines are in transaction/. */
import type { Arrival, Flow } from '../transport/flow.ts'
import { MAGIC_COOKIE } from '../message/identifiers.ts'
import type { Journal } from '../trace/journal.ts'
import type { Message, Request, Response } from '../message/message.ts'
import { ReplyPath, type Ways } from '../transport/reply-path.ts'
import type { TimerWheel } from './timer-wheel.ts'
import { ClientInvite } from './client-invite.ts'
import { ClientNonInvite } from './client-non-invite.ts'
import type { ClientUser } from './client.ts'
import { ServerInvite } from './server-invite.ts'
import { ServerNonInvite } from './server-non-invite.ts'

export type Incoming = { kind: 'Invite'; transaction: ServerInvite } | { kind: 'Other'; transaction: ServerNonInvite }

/** What the server transactions of this moment are. */
export interface Load {
  transactions: number
  /** Of the requests that began them. */
  bytes: number
}

/** Who takes what no transaction has. */
export interface TransactionUser {
  /** Whether there is room for a transaction of this request; when not, it has been answered already. */
  admits(request: Request, arrival: Arrival, load: Load): boolean
  /** A new request. `merged`: it came before by another way (8.2.2.2). */
  request(request: Request, arrival: Arrival, incoming: Incoming, merged: boolean): void
  /** An ACK that belongs to no transaction: that of a 2xx. */
  acknowledged(request: Request, arrival: Arrival): void
  trying(request: Request, arrival: Arrival): Buffer
}

export interface Outgoing {
  request: Request
  bytes: Buffer
  flow: Flow
  journal: Journal | undefined
}

export class TransactionLayer {
  readonly #wheel: TimerWheel
  readonly #ways: Ways
  readonly #user: TransactionUser
  readonly #clients = new Map<string, ClientInvite | ClientNonInvite>()
  readonly #servers = new Map<string, ServerInvite | ServerNonInvite>()
  /** Key of the transaction of each request without a To tag that is under way, by what a copy of it would share. */
  readonly #merging = new Map<string, string>()
  #serverBytes = 0

  constructor(wheel: TimerWheel, ways: Ways, user: TransactionUser) {
    this.#wheel = wheel
    this.#ways = ways
    this.#user = user
  }

  get size(): number {
    return this.#clients.size + this.#servers.size
  }

  invite(outgoing: Outgoing, user: ClientUser): ClientInvite {
    const key = clientKey(outgoing.request)
    const ended = (): void => void this.#clients.delete(key)
    return this.#begin(key, new ClientInvite({ ...outgoing, user, wheel: this.#wheel, ended }))
  }

  send(outgoing: Outgoing, user: ClientUser): ClientNonInvite {
    const key = clientKey(outgoing.request)
    const ended = (): void => void this.#clients.delete(key)
    return this.#begin(key, new ClientNonInvite({ ...outgoing, user, wheel: this.#wheel, ended }))
  }

  #begin<Client extends ClientInvite | ClientNonInvite>(key: string, client: Client): Client {
    // A flow that was lost already has ended it.
    if (!client.over) this.#clients.set(key, client)
    return client
  }

  receive(message: Message, arrival: Arrival): void {
    if (message.kind === 'Response') this.#clients.get(clientKey(message))?.receive(message, arrival)
    else this.#receiveRequest(message, arrival)
  }

  #receiveRequest(request: Request, arrival: Arrival): void {
    const { method } = request
    const present = this.#servers.get(serverKey(request, method === 'ACK' ? 'INVITE' : method))
    if (method === 'ACK') {
      const taken = present instanceof ServerInvite && present.acknowledged(arrival)
      if (!taken) this.#user.acknowledged(request, arrival)
    } else if (present) present.receive(arrival)
    else this.#begins(request, arrival)
  }

  #begins(request: Request, arrival: Arrival): void {
    const { headers, method } = request
    if (!headers.via) return
    const load = { transactions: this.#servers.size, bytes: this.#serverBytes }
    if (!this.#user.admits(request, arrival, load)) return
    const key = serverKey(request, method)
    const copies = headers.toTag === undefined ? mergeKey(request) : undefined
    const merged = copies !== undefined && this.#merging.has(copies)
    if (copies !== undefined && !merged) this.#merging.set(copies, key)
    const ended = this.#ending(key, merged ? undefined : copies, arrival.bytes.length)
    const setup = { arrival, path: new ReplyPath(arrival, headers.via, this.#ways), wheel: this.#wheel, ended }
    const incoming: Incoming =
      method === 'INVITE'
        ? { kind: 'Invite', transaction: new ServerInvite(setup, () => this.#user.trying(request, arrival)) }
        : { kind: 'Other', transaction: new ServerNonInvite(setup) }
    this.#servers.set(key, incoming.transaction)
    this.#user.request(request, arrival, incoming, merged)
  }

  /** A function of its own, so that what a transaction holds for 32 s is not the request with it. */
  #ending(key: string, copies: string | undefined, bytes: number): () => void {
    this.#serverBytes += bytes
    return () => {
      this.#servers.delete(key)
      if (copies !== undefined) this.#merging.delete(copies)
      this.#serverBytes -= bytes
    }
  }

  /** The INVITE that a CANCEL means (9.2). */
  cancelled(cancel: Request): ServerInvite | undefined {
    const transaction = this.#servers.get(serverKey(cancel, 'INVITE'))
    return transaction instanceof ServerInvite ? transaction : undefined
  }

  /** Ends all of them without a word to the peers; users that wait are told. */
  clear(): void {
    for (const client of [...this.#clients.values()]) {
      client.flowLost('the engine was stopped', true)
      client.end()
    }
    for (const server of [...this.#servers.values()]) server.end()
  }
}

/** 17.1.3. Our branches are unique; a CANCEL shares that of its INVITE. */
function clientKey({ headers }: Request | Response): string {
  return `${headers.cseq?.method} ${headers.via?.branch}`
}

/** 17.2.3; without the magic cookie, or with nothing after it, what RFC 2543 took instead, the To tag left out because the ACK has another one. */
function serverKey({ headers, uri }: Request, method: string): string {
  const { via, cseq, callId, fromTag } = headers
  if (via?.branch.startsWith(MAGIC_COOKIE) && via.branch !== MAGIC_COOKIE)
    return `${method} ${via.branch} ${via.sentBy}`
  return [method, uri, fromTag, callId, cseq?.number, headers.list('via')[0]].join(' ')
}

function mergeKey({ headers }: Request): string {
  const { callId, fromTag, cseq } = headers
  return `${callId} ${fromTag} ${cseq?.number} ${cseq?.method}`
}
