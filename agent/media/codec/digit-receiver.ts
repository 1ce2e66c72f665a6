/** The DTMF digits in a received telephone-event stream (RFC 4733), whatever of their packets is lost, doubled or late. It makes no packets. */
import { DIGITS, EVENT_LENGTH, LONGEST_SEGMENT } from './telephone-event.ts'

export interface ReceivedDigit {
  readonly digit: string
  /** Clock.monotonic of its first packet. */
  readonly at: number
  /** Milliseconds, as the packets say; of an incomplete one as far as they came. */
  readonly duration: number
  /** Milliseconds from the end of the digit before to its beginning, by their timestamps; absent for the first one, and for one of another stream. */
  readonly gap?: number
  /** Whether its end came, in any of the three packets that say it. */
  readonly complete: boolean
}

/** A peer that sends events for ever fills no memory. */
const MOST_DIGITS = 1000
/** Seconds that a packet may be late; further back lies another stream of the same peer. */
const LATEST = 5

interface Event {
  readonly event: number
  readonly at: number
  /** Where it began, and where its present segment did: timestamps. */
  readonly began: number
  segment: number
  /** Timestamp units of the segments so far, and of the present one. */
  before: number
  duration: number
  complete: boolean
}

/**
 * All packets of an event have its timestamp, so the same timestamp again is the same digit: an update, a repeated end, a duplicate.
 * One above it is a new digit, also when no end of the last one came; one shortly below it is late and says nothing new.
 */
export class DigitReceiver {
  readonly #clockRate: number
  readonly #events: Event[] = []

  /** @param clockRate timestamp units a second, 8000 or that of the audio beside it */
  constructor(clockRate: number) {
    this.#clockRate = clockRate
  }

  /** @param at Clock.monotonic of arrival @param timestamp of the RTP packet @param payload what follows its header */
  receive(at: number, timestamp: number, payload: Uint8Array): void {
    const [event = DIGITS.length, flags = 0, high = 0, low = 0] = payload
    if (payload.length < EVENT_LENGTH || event >= DIGITS.length) return
    const duration = (high << 8) | low
    const last = this.#events.at(-1)
    if (last && this.#isOf(last, event, timestamp)) {
      last.duration = Math.max(last.duration, duration)
      if (flags >= 0x80) last.complete = true
    } else if (this.#isNew(last, timestamp)) {
      const place = { began: timestamp, segment: timestamp, before: 0 }
      this.#events.push({ event, at, ...place, duration, complete: flags >= 0x80 })
    }
  }

  /** So far, the one that is still being heard too; the first thousand. */
  get digits(): ReceivedDigit[] {
    const milliseconds = (units: number) => (units * 1000) / this.#clockRate
    return this.#events.map((event, index) => {
      const previous = this.#events[index - 1]
      const gap = previous && milliseconds(since(previous.segment + previous.duration, event.began))
      return {
        digit: DIGITS.charAt(event.event),
        at: event.at,
        duration: milliseconds(event.before + event.duration),
        ...(gap !== undefined && gap >= 0 && { gap }),
        complete: event.complete,
      }
    })
  }

  #isNew(last: Event | undefined, timestamp: number): boolean {
    if (this.#events.length >= MOST_DIGITS) return false
    const later = last ? since(last.segment, timestamp) : 1
    return later > 0 || later < -LATEST * this.#clockRate
  }

  /** Whether a packet belongs to the last event: its segment, or the next one of an event that is longer than a segment (2.5.1.3). */
  #isOf(last: Event, event: number, timestamp: number): boolean {
    if (timestamp === last.segment) return event === last.event
    const continued = !last.complete && event === last.event && since(last.segment, timestamp) === LONGEST_SEGMENT
    if (!continued || last.duration < LONGEST_SEGMENT / 2) return false
    last.before += LONGEST_SEGMENT
    last.segment = timestamp
    last.duration = 0
    return true
  }
}

/** Timestamp units from one timestamp to another, negative when that is earlier; they wrap at 2^32. */
function since(from: number, to: number): number {
  return (to - from) | 0
}
