/** The record of what the responder did to which packet of which call: the ground truth that a measurement is held against. Not a log. */
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import type { EchoedPacket } from '../media/media.ts'

/** One line of the record. Stamps are milliseconds of the responder's monotonic clock with a fraction; `at` is milliseconds since 1970. */
export type RecordLine =
  | {
      event: 'CallStarted'
      callId: string
      /** The user that was called: of the Request-URI, or of the account that the responder called. */
      user: string
      direction: 'Incoming' | 'Outgoing'
      at: number
      monotonic: number
      /** Of an echo: how many of a hundred packets it loses, and the seed that chose them. */
      loss?: { percent: number; seed: number }
    }
  | {
      event: 'CallEnded'
      callId: string
      user: string
      /** Who hung up; `Timeout`: the dialog died. */
      by: 'Local' | 'Remote' | 'Timeout'
      at: number
      monotonic: number
      /** What became of the packets of an echo. */
      packets?: { received: number; echoed: number; dropped: number }
    }
  | PacketLine

/** Written when it is certain: in the order of arrival, but for a last packet that was sent late. */
export interface PacketLine {
  callId: string
  ssrc: number
  sequenceNumber: number
  /** RTP timestamp units. */
  timestamp: number
  receivedAt: number
  action: 'Echoed' | 'Dropped'
  /** Present when it was echoed. */
  sentAt?: number
}

export interface Recorder extends AsyncDisposable {
  write(line: RecordLine): void
  /** Resolves when all that was written before is in the file. Rejects when it could not be written. */
  flush(): Promise<void>
}

/** Characters that are collected before they are written without being asked to. */
const FULL = 1 << 16

/** Appends to `path`, one JSON object a line; throws when the file cannot be opened. */
export async function openRecord(path: string): Promise<Recorder> {
  return new FileRecorder(await open(path, 'a'))
}

class FileRecorder implements Recorder {
  readonly #file: FileHandle
  #text = ''
  /** The writes so far, one after the other. A failed one stays failed: a record with a hole in it is no ground truth. */
  #written: Promise<void> = Promise.resolve()

  constructor(file: FileHandle) {
    this.#file = file
  }

  write(line: RecordLine): void {
    this.#text += `${JSON.stringify(line)}\n`
    if (this.#text.length >= FULL) this.#send()
  }

  flush(): Promise<void> {
    this.#send()
    return this.#written
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.flush()
    } finally {
      await this.#file.close()
    }
  }

  #send(): void {
    const text = this.#text
    this.#text = ''
    if (text === '') return
    this.#written = this.#written.then(() => this.#file.appendFile(text))
    // Whoever flushes hears of it; without this line Node would end the process before anybody does.
    this.#written.catch(() => undefined)
  }
}

/**
 * Follows the packets of one echo: a dropped one is certain only when the next one comes, because the echo sends a last one after all
 * (media.ts, Source).
 */
export class EchoRecord {
  readonly #callId: string
  readonly #write: ((line: RecordLine) => void) | undefined
  #held: EchoedPacket | undefined
  #received = 0
  #echoed = 0
  #dropped = 0

  constructor(callId: string, write?: (line: RecordLine) => void) {
    this.#callId = callId
    this.#write = write
  }

  /** A packet came, and what was chosen for it. */
  received(packet: EchoedPacket, lost: boolean): void {
    this.#settle()
    this.#received++
    // A copy: the packet is the session's and may be used again for the next one.
    if (lost) this.#held = { ...packet }
  }

  sent(packet: EchoedPacket, at: number): void {
    this.#held = undefined
    this.#echoed++
    this.#line(packet, { action: 'Echoed', sentAt: microseconds(at) })
  }

  /** The call is over: what became of its packets. */
  end(): { received: number; echoed: number; dropped: number } {
    this.#settle()
    return { received: this.#received, echoed: this.#echoed, dropped: this.#dropped }
  }

  #settle(): void {
    if (!this.#held) return
    this.#dropped++
    this.#line(this.#held, { action: 'Dropped' })
    this.#held = undefined
  }

  #line(packet: EchoedPacket, rest: Pick<PacketLine, 'action' | 'sentAt'>): void {
    this.#write?.({
      callId: this.#callId,
      ssrc: packet.ssrc,
      sequenceNumber: packet.sequenceNumber,
      timestamp: packet.timestamp,
      receivedAt: microseconds(packet.receivedAt),
      ...rest,
    })
  }
}

/** A stamp in milliseconds without the digits below a microsecond, which mean nothing. */
export function microseconds(stamp: number): number {
  return Math.round(stamp * 1000) / 1000
}
