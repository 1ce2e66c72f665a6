/** The transaction layer (RFC 3261 17): finds the machine a message belongs to, by branch in a map, and makes new ones. The machines are beside it. */
import { NumberMap } from '../../../lib/number-map.ts'
import type { Random } from '../../../lib/random.ts'
import type { Arrival, Flow } from '../transport/flow.ts'
import type { Built } from '../transport/build.ts'
import { type Identifiers, MAGIC_COOKIE } from '../message/identifiers.ts'
import type { Journal } from '../trace/journal.ts'
import type { Message, Request, Response } from '../message/message.ts'
import { ReplyPath, type Ways } from '../transport/reply-path.ts'
import { ClientInvite } from './client-invite.ts'
import { ClientNonInvite } from './client-non-invite.ts'
import type { ClientOwner, ClientUser } from './client.ts'
import { Expiring } from './expiring.ts'
import { Fingerprints } from './fingerprint.ts'
import { Absorbed, type Answered, Copies, type Place, Retired } from './finished.ts'
import type { ServerOwner } from './server.ts'
import type { TimerWheel } from './timer-wheel.ts'
import { T4, TRANSACTION_TIMEOUT } from './timers.ts'
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
  trying(request: Request, arrival: Arrival): string
  /** A 2xx of another branch for an INVITE whose call is over already (13.2.2.4). */
  answeredLate(response: Response, arrival: Arrival): void
}

export interface Outgoing extends Built {
  flow: Flow
  journal: Journal | undefined
}

export class TransactionLayer {
  readonly #wheel: TimerWheel
  readonly #ways: Ways
  readonly #identifiers: Identifiers
  readonly #fingerprints: Fingerprints
  readonly #user: TransactionUser
  readonly #clients = new NumberMap<ClientInvite | ClientNonInvite | Copies | Retired>()
  readonly #servers = new NumberMap<ServerInvite | ServerNonInvite | Absorbed | Answered>()
  readonly #completedExpire: Expiring<Copies>
  readonly #retiredExpire: Expiring<Retired>
  readonly #finishedExpire: Expiring<Absorbed | Answered>
  /** Of each request without a To tag that is under way, what a copy of it would share. */
  readonly #merging = new NumberMap<Place>()
  #serverBytes = 0

  /** @param identifiers what the branches of all that is sent through it are made with */
  constructor(
    { wheel, ways, random, identifiers }: { wheel: TimerWheel; ways: Ways; random: Random; identifiers: Identifiers },
    user: TransactionUser,
  ) {
    this.#wheel = wheel
    this.#ways = ways
    this.#identifiers = identifiers
    this.#fingerprints = new Fingerprints(random)
    this.#user = user
    this.#completedExpire = new Expiring(wheel, T4, ({ key }) => this.#clients.delete(key))
    this.#retiredExpire = new Expiring(wheel, TRANSACTION_TIMEOUT, ({ key }) => this.#clients.delete(key))
    this.#finishedExpire = new Expiring(wheel, TRANSACTION_TIMEOUT, ({ place }) => this.#forget(place))
  }

  get size(): number {
    return this.#clients.size + this.#servers.size
  }

  invite(outgoing: Outgoing, user: ClientUser): ClientInvite {
    const { request, text, flow, journal, branch } = outgoing
    const key = this.#key('INVITE', branch)
    const setup = { request, text, flow, journal, user, wheel: this.#wheel, key, owner: this.#clientOwner }
    return this.#begin(key, new ClientInvite(setup))
  }

  send(outgoing: Outgoing, user: ClientUser): ClientNonInvite {
    const { request, text, flow, journal, branch } = outgoing
    const key = this.#key(request.method, branch)
    const setup = { request, text, flow, journal, user, wheel: this.#wheel, key, owner: this.#clientOwner }
    return this.#begin(key, new ClientNonInvite(setup))
  }

  /** The call that the 2xx with this To tag made is over: the user of its INVITE, by branch, is told of no further answer. */
  retire(branch: string, tag: string): void {
    const client = this.#clients.get(this.#key('INVITE', branch))
    if (client instanceof ClientInvite) client.retire(tag)
  }

  readonly #clientOwner: ClientOwner = {
    ended: (key) => this.#clients.delete(key),
    completed: (copies) => {
      this.#clients.set(copies.key, copies)
      this.#completedExpire.add(copies)
    },
    retired: (rest) => {
      this.#clients.set(rest.key, rest)
      this.#retiredExpire.add(rest)
    },
  }

  readonly #serverOwner: ServerOwner = {
    ended: (place) => this.#forget(place),
    finished: (rest) => {
      this.#servers.set(rest.place.key, rest)
      this.#finishedExpire.add(rest)
    },
  }

  #forget({ key, copies, size }: Place): void {
    this.#servers.delete(key)
    if (copies !== undefined) this.#merging.delete(copies)
    this.#serverBytes -= size
  }

  #begin<Client extends ClientInvite | ClientNonInvite>(key: number, client: Client): Client {
    // A flow that was lost already has ended it.
    if (!client.over) this.#clients.set(key, client)
    return client
  }

  receive(message: Message, arrival: Arrival): void {
    if (message.kind === 'Response') this.#receiveResponse(message, arrival)
    else this.#receiveRequest(message, arrival)
  }

  /** 17.1.3: by branch, and by method as well. */
  #receiveResponse(response: Response, arrival: Arrival): void {
    const { headers } = response
    const method = headers.cseq?.method ?? ''
    const client = this.#clients.get(this.#key(method, headers.branch))
    if (client?.method !== method) return
    if (!(client instanceof Retired)) return client.receive(response, arrival)
    if (client.concerns(response)) this.#user.answeredLate(response, arrival)
  }

  /** Our branches are unique, but a CANCEL shares that of its INVITE. NaN, which nothing has: it is none of ours. */
  #key(method: string, branch: string): number {
    const number = this.#identifiers.branchNumber(branch) ?? NaN
    return method === 'CANCEL' ? -1 - number : number
  }

  /** 17.2.3; without the magic cookie, or with nothing after it, what RFC 2543 took instead, the To tag left out because the ACK has another one. */
  #serverKey({ headers, uri }: Request, method: string): number {
    const { via, cseq, callId, fromTag = '' } = headers
    if (via?.branch.startsWith(MAGIC_COOKIE) && via.branch !== MAGIC_COOKIE)
      return this.#fingerprints.of(method, via.branch, via.sentBy)
    return this.#fingerprints.of(method, uri, fromTag, callId, String(cseq?.number), headers.list('via')[0] ?? '')
  }

  #mergeKey({ headers }: Request): number {
    const { callId, fromTag = '', cseq } = headers
    return this.#fingerprints.of(callId, fromTag, String(cseq?.number), cseq?.method ?? '')
  }

  #receiveRequest(request: Request, arrival: Arrival): void {
    const { method } = request
    const key = this.#serverKey(request, method === 'ACK' ? 'INVITE' : method)
    const present = this.#servers.get(key)
    if (method === 'ACK') {
      const taken = present instanceof ServerInvite && present.acknowledged(arrival)
      if (!taken) this.#user.acknowledged(request, arrival)
    } else if (present) present.receive(arrival)
    else this.#begins(request, arrival, key)
  }

  #begins(request: Request, arrival: Arrival, key: number): void {
    const { headers, method } = request
    if (!headers.via) return
    const load = { transactions: this.#servers.size, bytes: this.#serverBytes }
    if (!this.#user.admits(request, arrival, load)) return
    const copies = headers.toTag === undefined ? this.#mergeKey(request) : undefined
    const merged = copies !== undefined && this.#merging.has(copies)
    const place: Place = { key, copies: merged ? undefined : copies, size: arrival.text.length }
    if (place.copies !== undefined) this.#merging.set(place.copies, place)
    this.#serverBytes += place.size
    const path = new ReplyPath(arrival, headers.via, this.#ways)
    const setup = { arrival, path, wheel: this.#wheel, place, owner: this.#serverOwner }
    const incoming: Incoming =
      method === 'INVITE'
        ? { kind: 'Invite', transaction: new ServerInvite(setup, () => this.#user.trying(request, arrival)) }
        : { kind: 'Other', transaction: new ServerNonInvite(setup) }
    this.#servers.set(key, incoming.transaction)
    this.#user.request(request, arrival, incoming, merged)
  }

  /** The INVITE that a CANCEL means (9.2). */
  cancelled(cancel: Request): ServerInvite | Absorbed | undefined {
    const transaction = this.#servers.get(this.#serverKey(cancel, 'INVITE'))
    return transaction instanceof ServerInvite || transaction instanceof Absorbed ? transaction : undefined
  }

  /** Ends all of them without a word to the peers; users that wait are told. */
  clear(): void {
    for (const client of this.#clients.values()) {
      if (client instanceof Copies || client instanceof Retired) continue
      client.flowLost('the engine was stopped', true)
      client.end()
    }
    for (const server of this.#servers.values()) if ('end' in server) server.end()
    for (const queue of [this.#completedExpire, this.#retiredExpire, this.#finishedExpire]) queue.clear()
    for (const table of [this.#clients, this.#servers, this.#merging]) table.clear()
    this.#serverBytes = 0
  }
}
