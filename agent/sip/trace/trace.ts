/** The record of one call's or registration's messages as they were on the wire, bounded and without secrets; it decides nothing. */
import type { Endpoint, Transport } from '../peer.ts'
import { bracketed } from '../message/uri.ts'

export interface TraceMessage {
  /** Wall clock: milliseconds since 1970. */
  at: number
  /** Clock.monotonic, milliseconds; only differences mean anything. */
  monotonic: number
  direction: 'In' | 'Out'
  transport: Transport
  /** `host:port` of our side. */
  local: string
  /** `host:port` of the peer. */
  remote: string
  /** As it was on the wire; response and nonce values of Authorization and Proxy-Authorization, and keys of media, are redacted. */
  text: string
  /** It went, or came, once before. */
  retransmission: boolean
}

/** A message as it is handed over: what can be worked out later is, when somebody looks. */
export interface Recorded extends Omit<TraceMessage, 'transport' | 'remote'> {
  remote: Endpoint
}

export interface TraceLimits {
  messages: number
  /** Characters, as good as bytes here. */
  bytes: number
}

/** More than a call of minutes under loss needs. */
const LIMITS: TraceLimits = { messages: 500, bytes: 500_000 }

export class Trace {
  readonly #limits: TraceLimits
  readonly #recorded: Recorded[] = []
  #bytes = 0
  #dropped = 0

  /** @param limits what is over them is dropped, the newest first, and counted */
  constructor(limits: TraceLimits = LIMITS) {
    this.#limits = limits
  }

  record(message: Recorded): void {
    const { messages, bytes } = this.#limits
    if (this.#recorded.length >= messages || this.#bytes + message.text.length > bytes) {
      this.#dropped++
      return
    }
    this.#bytes += message.text.length
    this.#recorded.push(message)
  }

  /** In the order they were sent and received. */
  get messages(): TraceMessage[] {
    return this.#recorded.map((message) => {
      const { host, port, transport } = message.remote
      return { ...message, transport, remote: `${bracketed(host)}:${port}`, text: redact(message.text) }
    })
  }

  /** True: messages came that had no room. */
  get truncated(): boolean {
    return this.#dropped > 0
  }
}

/** A credentials header with its folded lines (RFC 3261 7.3.1). */
const CREDENTIALS = /^(?:proxy-)?authorization[ \t]*:.*(?:\r?\n[ \t].*)*/gim

/**
 * The values that a password could be guessed from. What is quoted may hold a quoted quote; a value whose closing quote is missing
 * goes to the end of the header.
 */
const SECRETS = /\b(response|nonce|cnonce)([ \t]*=[ \t]*)("(?:[^"\\]|\\.)*(?:"|$)|[^\s,]+)/gi

/** RFC 4568: whoever has recorded the media of the call could listen to it. */
const KEY_LINES = /^a=crypto:.*$/gim
const KEYS = /(inline:)([^|;\s]+)/gi

/** Takes the values of `response`, `nonce` and `cnonce` out of Authorization and Proxy-Authorization, and the keys of media; all else stays, the length of a body too. */
export function redact(text: string): string {
  return text
    .replace(CREDENTIALS, (header) =>
      // Basic credentials are the password itself.
      header.replace(/(:\s*basic\s+)\S+/i, '$1[redacted]').replace(SECRETS, '$1$2"[redacted]"'),
    )
    .replace(KEY_LINES, (line) => line.replace(KEYS, (_, name: string, key: string) => name + 'x'.repeat(key.length)))
}
