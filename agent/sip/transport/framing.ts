/** Cuts a byte stream into SIP messages by Content-Length (RFC 3261 18.3), and counts the keep-alives between them; it reads no other header. */
import { MOST_BYTES } from '../message/message.ts'

const LF = 10
const CR = 13
/** The value is all of its line, or of the line that continues it. */
const CONTENT_LENGTH = /^(?:content-length|l)[ \t]*:\s*([^\r\n]*)/im

/** What some bytes completed. RFC 5626 3.5.1: two empty lines between messages ask whether we are there, one answers. */
interface Found {
  messages: Buffer[]
  pings: number
  pongs: number
}

/** `Broken`: the last one may be a header alone, of a message whose length cannot be known, so that it can be answered. */
export type Framed = (Found & { kind: 'Messages' }) | (Found & { kind: 'Broken'; reason: string })

export class Framing {
  #pending: Buffer = Buffer.alloc(0)
  /** Bytes the message at the head of `pending` needs; 0 while its header has not ended. */
  #needed = 0
  /** Where the search for the end of the header goes on, so that a slow sender costs no second look at what was there. */
  #searched = 0

  /** After `Broken` the stream has no frame any more and is to be closed. */
  push(bytes: Buffer): Framed {
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes])
    const found: Found = { messages: [], pings: 0, pongs: 0 }
    for (;;) {
      const reason = this.#measure(found)
      if (reason !== undefined) return { ...found, kind: 'Broken', reason }
      if (this.#needed === 0 || this.#pending.length < this.#needed) return { ...found, kind: 'Messages' }
      found.messages.push(this.#pending.subarray(0, this.#needed))
      this.#pending = this.#pending.subarray(this.#needed)
      this.#needed = 0
      this.#searched = 0
    }
  }

  /** Finds out how long the next message is; a reason when that can never be known. */
  #measure(found: Found): string | undefined {
    if (this.#needed > 0) return undefined
    if (this.#searched === 0) this.#skipEmptyLines(found)
    const end = this.#pending.indexOf('\r\n\r\n', Math.max(0, this.#searched - 3), 'latin1')
    if (end < 0) {
      this.#searched = this.#pending.length
      return this.#pending.length > MOST_BYTES ? `a header of more than ${MOST_BYTES} bytes` : undefined
    }
    const length = contentLength(this.#pending.toString('latin1', 0, end))
    if (length === undefined) {
      found.messages.push(this.#pending.subarray(0, end + 4))
      return 'a message of unknown length'
    }
    this.#needed = end + 4 + length
    return this.#needed > MOST_BYTES ? `a message of more than ${MOST_BYTES} bytes` : undefined
  }

  /** 7.5. A question that comes in two pieces is two answers to one that was not asked, which is no harm. */
  #skipEmptyLines(found: Found): void {
    let start = 0
    let lines = 0
    while (this.#pending[start] === CR || this.#pending[start] === LF) {
      if (this.#pending[start] === LF) lines++
      start++
    }
    if (start === 0) return
    this.#pending = this.#pending.subarray(start)
    found.pings += Math.floor(lines / 2)
    found.pongs += lines % 2
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
