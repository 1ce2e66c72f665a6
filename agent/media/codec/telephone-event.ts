/** DTMF as telephone-event (RFC 4733): the payload, and the packets of a sequence of digits. What slots them into a stream is the sender; what reads a stream is `digit-receiver.ts`. */

/**
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |     event     |E|R| volume    |          duration             |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export const EVENT_LENGTH = 4
/** Timestamp units: a longer event goes on as another segment (RFC 4733 2.5.1.3). */
export const LONGEST_SEGMENT = 0xffff
/** Packets that say the end, so that it is heard also when two are lost (2.5.1.4). */
const END_PACKETS = 3
/** -dBm0. */
const VOLUME = 10

/** Events 0 to 15 (RFC 4733 3.2). */
export const DIGITS = '0123456789*#ABCD'

/** What is to be sent in one packet time in place of the source. */
export interface EventPacket {
  readonly payload: Uint8Array
  /** The first packet of an event: its timestamp is that of all of them. */
  readonly marker: boolean
}

export interface DigitTiming {
  /** Milliseconds of a digit; ITU-T Q.24 hears 40 and more, and one segment holds 1365 at 48 kHz. */
  duration: number
  /** Milliseconds between two digits. */
  gap: number
}

/**
 * The packets of a sequence of digits, one for each packet time; undefined: the source has its turn.
 *
 *     digits "12"    1M 1 1 1 1E 1E 1E . . . 2M 2 2 2 2E 2E 2E
 *     duration       1  2 3 4 5  5  5        1  2 3 4 5  5  5      times the packet time; M: marker, E: end
 *
 * Times are rounded to packets, a digit to one at least. The two repeated ends belong to the gap, which is as long as they are at least.
 * @param stream of the audio that they go along with @throws RangeError for another digit than 0-9, *, #, A-D, or one above a segment
 */
export function digitPackets(
  digits: string,
  { duration, gap }: DigitTiming,
  { clockRate, ptime }: { clockRate: number; ptime: number },
): Array<EventPacket | undefined> {
  const count = Math.max(1, Math.round(duration / ptime))
  const unit = (ptime * clockRate) / 1000
  if (count * unit > LONGEST_SEGMENT) throw new RangeError(`a digit of ${duration} ms is longer than an event can be`)
  const pause = Math.max(END_PACKETS - 1, Math.round(gap / ptime))
  return digits.split('').flatMap((digit) => {
    const event = DIGITS.indexOf(digit.toUpperCase())
    if (event < 0) throw new RangeError(`${digit} is no DTMF digit`)
    return Array.from({ length: count + pause }, (_, index) => {
      if (index > count + END_PACKETS - 2) return undefined
      const packets = Math.min(count, index + 1)
      return { payload: eventPayload(event, packets === count, packets * unit), marker: index === 0 }
    })
  })
}

function eventPayload(event: number, end: boolean, duration: number): Uint8Array {
  return Uint8Array.of(event, (end ? 0x80 : 0) | VOLUME, duration >> 8, duration & 0xff)
}
