/** Cuts a byte stream into SIP messages by Content-Length (RFC 3261 18.3); it reads no other header. */
import { MOST_BYTES } from '../message/message.ts'

const LF = 10
const CR = 13
/** The value is all of its line, or of the line that continues it. */
const CONTENT_LENGTH = /^(?:content-length|l)[ \t]*:\s*([^\r\n]*)/im

/** `Broken`: the last one may be a header alone, of a message whose length cannot be known, so that it can be answered. */
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
      const reason = this.#measure(messages)
      if (reason !== undefined) return { kind: 'Broken', messages, reason }
      if (this.#needed === 0 || this.#pending.length < this.#needed) return { kind: 'Messages', messages }
      messages.push(this.#pending.subarray(0, this.#needed))
      this.#pending = this.#pending.subarray(this.#needed)
      this.#needed = 0
      this.#searched = 0
    }
  }

  /** Finds out how long the next message is; a reason when that can never be known. */
  #measure(messages: Buffer[]): string | undefined {
    if (this.#needed > 0) return undefined
    if (this.#searched === 0) this.#skipEmptyLines()
    const end = this.#pending.indexOf('\r\n\r\n', Math.max(0, this.#searched - 3), 'latin1')
    if (end < 0) {
      this.#searched = this.#pending.length
      return this.#pending.length > MOST_BYTES ? `a header of more than ${MOST_BYTES} bytes` : undefined
    }
    const length = contentLength(this.#pending.toString('latin1', 0, end))
    if (length === undefined) {
      messages.push(this.#pending.subarray(0, end + 4))
      return 'a message of unknown length'
    }
    this.#needed = end + 4 + length
    return this.#needed > MOST_BYTES ? `a message of more than ${MOST_BYTES} bytes` : undefined
  }

  /** 7.5, and the keep-alive of RFC 5626 4.4.1. */
  #skipEmptyLines(): void {
    let start = 0
    while (this.#pending[start] === CR || this.#pending[start] === LF) start++
    if (start > 0) this.#pending = this.#pending.subarray(start)
  }
}

/** 20.14: over a stream it must be there; without it the message is taken to have no body. Undefined: it is no number, or there are two. */
function contentLength(head: string): number | undefined {
  const found = CONTENT_LENGTH.exec(head)
  if (!found) return 0
  const value = (found[1] ?? '').trimEnd()
  const another = CONTENT_LENGTH.exec(head.slice(found.index + found[0].length))
  if (!/^\d{1,9}$/.test(value) || (another && (another[1] ?? '').trimEnd() !== value)) return undefined
  return Number(value)
}
