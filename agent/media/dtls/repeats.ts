/**
 * Which messages of a handshake werift may see: it takes one that comes again, by a doubled or repeated datagram, for a new one and ends up
 * with other keys than its peer. Those stay by which it notices that its own last flight was lost (RFC 6347 4.2.4). It reads no records.
 */

/** A message of the handshake, whole, by the names of werift. */
export interface ReceivedMessage {
  readonly msg_type: number
  readonly message_seq: number
  /** Its body. */
  readonly fragment: Buffer
}

/** RFC 6347 4.3.2. */
const TYPE = { clientHello: 1, serverHelloDone: 14, finished: 20 } as const
/** Flight 4 of RFC 6347 4.2.4 is what a server answers a ClientHello with its cookie. */
const SERVER_HELLO = 4
const RANDOM = { start: 2, end: 34 } as const

export class Repeats {
  readonly #seen = new Set<string>()
  #random: string | undefined

  /** @param flight the one that we are in, as RFC 6347 4.2.4 counts them */
  accepts(message: ReceivedMessage, flight: number): boolean {
    if (message.msg_type === TYPE.clientHello) return this.#acceptsHello(message.fragment, flight)
    const key = `${message.msg_type} ${message.message_seq}`
    const again = this.#seen.has(key)
    this.#seen.add(key)
    return !again || message.msg_type === TYPE.serverHelloDone || message.msg_type === TYPE.finished
  }

  /** Another random begins another handshake; one without a cookie that was answered long ago would begin the same again. */
  #acceptsHello(body: Buffer, flight: number): boolean {
    const random = body.toString('hex', RANDOM.start, RANDOM.end)
    if (random !== this.#random) {
      this.#random = random
      this.#seen.clear()
      return true
    }
    return hasCookie(body) || flight < SERVER_HELLO
  }
}

/**
 *     | version (16) | random (256) | length (8) | session id | length (8) | cookie | ...
 */
function hasCookie(hello: Buffer): boolean {
  const session = hello[RANDOM.end] ?? 0
  return (hello[RANDOM.end + 1 + session] ?? 0) > 0
}
