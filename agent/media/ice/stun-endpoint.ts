/**
 * One local base of ICE as werift sees it: STUN requests out with their retransmissions, responses and authentic requests in (RFC 8489).
 * It knows no candidates of the peer, and what carries its datagrams, a socket or a relay, is not its own.
 */
import {
  type Address,
  type Candidate,
  classes,
  Event,
  type Message,
  methods,
  parseMessage,
  type Protocol,
  type TransactionRequestOptions,
} from 'werift'
import type { Clock } from '../../../lib/clock.ts'

/** RFC 8489 6.2.1, RFC 8445 14.3: the first wait for an answer, which doubles, and how often a request is sent again. */
const FIRST_WAIT = 500
const RETRANSMISSIONS = 6

export interface Credentials {
  readonly ufrag: string
  readonly pwd: string
}

export interface StunEndpointOptions {
  clock: Clock
  type: 'socket' | 'relay'
  /** Ours: those that requests of the peer must know. */
  credentials: Credentials
  send(datagram: Buffer, host: string, port: number): void
}

/** An answer that is a refusal. */
class StunError extends Error {
  readonly response: Message

  constructor(response: Message) {
    super(`refused with ${String(response.getAttributeValue('ERROR-CODE'))}`)
    this.response = response
  }
}

interface Transaction {
  readonly host: string
  readonly port: number
  readonly key: Buffer | undefined
  readonly respond: (response: Message, from: Address) => void
  readonly give: (reason: string) => void
}

export class StunEndpoint implements Protocol {
  readonly type: string
  localCandidate?: Candidate
  readonly onRequestReceived = new Event<[Message, Address, Buffer]>()
  /** Never fires: what is no STUN does not come here. */
  readonly onDataReceived = new Event<[Buffer]>()
  readonly #options: StunEndpointOptions
  readonly #key: Buffer
  readonly #transactions = new Map<string, Transaction>()
  #refused = 0
  #closed = false

  constructor(options: StunEndpointOptions) {
    this.type = options.type
    this.#options = options
    this.#key = Buffer.from(options.credentials.pwd)
  }

  /** Messages that were cut off, not authentic, or answers that nobody waits for. */
  get refused(): number {
    return this.#refused
  }

  /** @param datagram one that begins as STUN does; whatever is in it, nothing is thrown */
  receive(datagram: Buffer, host: string, port: number): void {
    if (this.#closed) return
    const message = parseMessage(datagram)
    const taken =
      message !== undefined &&
      (message.messageClass === classes.REQUEST
        ? this.#onRequest(message, datagram, [host, port])
        : message.messageClass === classes.INDICATION || this.#onResponse(message, datagram, [host, port]))
    if (!taken) this.#refused++
  }

  /** Sends until an answer comes; rejects when none does, or a refusal. */
  request(
    message: Message,
    [host, port]: Address,
    key?: Buffer,
    options?: number | TransactionRequestOptions,
  ): Promise<[Message, Address]> {
    if (key) message.addMessageIntegrity(key).addFingerprint()
    const {
      retransmissions = RETRANSMISSIONS,
      responseTimeout = FIRST_WAIT,
      onRequestSent,
      signal,
    } = typeof options === 'object' ? options : options === undefined ? {} : { retransmissions: options }
    const id = message.transactionIdHex
    const octets = message.bytes
    const { promise, resolve, reject } = Promise.withResolvers<[Message, Address]>()
    let timer: Disposable | undefined
    const end = () => {
      timer?.[Symbol.dispose]()
      this.#transactions.delete(id)
      signal?.removeEventListener('abort', onAbort)
    }
    const give = (reason: string) => {
      end()
      reject(new Error(reason))
    }
    const onAbort = () => give('not waited for any longer')
    const respond = (response: Message, from: Address) => {
      end()
      if (response.messageClass === classes.RESPONSE) resolve([response, from])
      else reject(new StunError(response))
    }
    const attempt = (count: number, wait: number) => {
      onRequestSent?.(count)
      try {
        this.#options.send(octets, host, port)
      } catch {
        return give('no address that can be sent to')
      }
      timer = this.#options.clock.timer(wait, () =>
        count < retransmissions ? attempt(count + 1, 2 * wait) : give('no answer'),
      )
    }
    this.#transactions.set(id, { host, port, key, respond, give })
    if (this.#closed || signal?.aborted) {
      onAbort()
      return promise
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    attempt(0, responseTimeout)
    return promise
  }

  /** Anything, as it is. */
  send(datagram: Buffer, host: string, port: number): void {
    if (!this.#closed) this.#options.send(datagram, host, port)
  }

  async sendStun(message: Message, [host, port]: Address): Promise<void> {
    this.send(message.bytes, host, port)
  }

  async sendData(datagram: Buffer, [host, port]: Address): Promise<void> {
    this.send(datagram, host, port)
  }

  /** For werift's own sockets; ours are open before. */
  async connectionMade(): Promise<void> {}

  /** Nothing is sent any more, and who waits for an answer is told that none comes. */
  async close(): Promise<void> {
    this.#closed = true
    for (const { give } of this.#transactions.values()) give('closed')
    this.onRequestReceived.complete()
    this.onDataReceived.complete()
  }

  /** RFC 8445 7.3: a check is for us and from our peer when it has our name and knows our password. */
  #onRequest(message: Message, datagram: Buffer, from: Address): boolean {
    const { ufrag } = this.#options.credentials
    const username: unknown = message.getAttributeValue('USERNAME')
    if (typeof username !== 'string' || !username.startsWith(`${ufrag}:`)) return false
    if (message.messageMethod !== methods.BINDING || !isAuthentic(datagram, this.#key)) return false
    this.onRequestReceived.execute(message, from, datagram)
    return true
  }

  #onResponse(message: Message, datagram: Buffer, from: Address): boolean {
    const transaction = this.#transactions.get(message.transactionIdHex)
    if (!transaction || transaction.host !== from[0] || transaction.port !== from[1]) return false
    if (transaction.key && !isAuthentic(datagram, transaction.key)) return false
    transaction.respond(message, from)
    return true
  }
}

/** werift refuses a message whose MESSAGE-INTEGRITY is wrong or, when there is a key, absent. */
function isAuthentic(datagram: Buffer, key: Buffer): boolean {
  return parseMessage(datagram, key) !== undefined
}
