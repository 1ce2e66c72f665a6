/** Cuts a byte stream into SIP messages by Content-Length (RFC 3261 18.3); it reads no other header. */
import { MOST_BYTES } from '../message/message.ts'

const LF = 10
const CR = 13
const CONTENT_LENGTH = /^(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*$/im

export type Framed = { kind: 'Messages'; messages: Buffer[] } | { kind: 'Broken'; messages: Buffer[]; reason: string }

export class Framing {
  #pending: Buffer = Buffer.alloc(0)
  /** Bytes the message at the head of `pending` needs; 0 while its header has not ended. */
  #needed = 0
  /** Where the search for the end of the header goes on, so that a slow sender costs no second look at what was there. */
  #searched = 0

  /** The messages that `bytes` completed. After `Broken` the stream has no frame any more and is to be closed. */
  push(bytes: Buffer): Framed {
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes])
    const messages: Buffer[] = []
    for (;;) {
      const reason = this.#measure()
      if (reason !== undefined) return { kind: 'Broken', messages, reason }
      if (this.#needed === 0 || this.#pending.length < this.#needed) return { kind: 'Messages', messages }
      messages.push(this.#pending.subarray(0, this.#needed))
      this.#pending = this.#pending.subarray(this.#needed)
      this.#needed = 0
      this.#searched = 0
    }
  }

  /** Finds out how long the next message is; a reason when that can never be known. */
  #measure(): string | undefined {
    if (this.#needed > 0) return undefined
    if (this.#searched === 0) this.#skipEmptyLines()
    const end = this.#pending.indexOf('\r\n\r\n', Math.max(0, this.#searched - 3), 'latin1')
    if (end < 0) {
      this.#searched = this.#pending.length
      return this.#pending.length > MOST_BYTES ? `a header of more than ${MOST_BYTES} bytes` : undefined
    }
    const length = CONTENT_LENGTH.exec(this.#pending.toString('latin1', 0, end))?.[1]
    // 20.14: over a stream it must be there. Without it the message is taken to have no body.
    this.#needed = end + 4 + Number(length ?? 0)
    return this.#needed > MOST_BYTES ? `a message of more than ${MOST_BYTES} bytes` : undefined
  }

  /** 7.5, and the keep-alive of RFC 5626 4.4.1. */
  #skipEmptyLines(): void {
    let start = 0
    while (this.#pending[start] === CR || this.#pending[start] === LF) start++
    if (start > 0) this.#pending = this.#pending.subarray(start)
  }
}
