/** Digits as packets, and packets as digits. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DigitReceiver } from './digit-receiver.ts'
import { DIGITS, digitPackets } from './telephone-event.ts'

const STREAM = { clockRate: 8000, ptime: 20 }

interface Sent {
  at: number
  timestamp: number
  payload: Uint8Array
}

/** What a sender makes of the packets: all those of an event have the timestamp of its first one. @param first timestamp of the stream */
function sent(digits: string, timing: { duration: number; gap: number }, stream = STREAM, first = 0): Sent[] {
  let event = 0
  return digitPackets(digits, timing, stream).flatMap((packet, index) => {
    if (packet?.marker) event = first + (index * stream.ptime * stream.clockRate) / 1000
    return packet ? [{ at: index * stream.ptime, timestamp: event >>> 0, payload: packet.payload }] : []
  })
}

function received(packets: readonly Sent[], clockRate = STREAM.clockRate) {
  const receiver = new DigitReceiver(clockRate)
  for (const { at, timestamp, payload } of packets) receiver.receive(at, timestamp, payload)
  return receiver.digits
}

describe('the packets of digits', () => {
  test('are updates, three ends and then the source, octet for octet', () => {
    const packets = digitPackets('9#', { duration: 60, gap: 80 }, STREAM)
    const row = packets.map(
      (packet) => packet && `${packet.marker ? 'M ' : ''}${Buffer.from(packet.payload).toString('hex')}`,
    )
    expect(row).toEqual([
      ...['M 090a00a0', '090a0140', '098a01e0', '098a01e0', '098a01e0', undefined, undefined],
      ...['M 0b0a00a0', '0b0a0140', '0b8a01e0', '0b8a01e0', '0b8a01e0', undefined, undefined],
    ])
  })

  test('the duration counts in the clock of the audio', () => {
    const [first] = digitPackets('1', { duration: 100, gap: 50 }, { clockRate: 48_000, ptime: 20 })
    expect([...(first?.payload ?? [])]).toEqual([1, 10, 960 >> 8, 960 & 0xff])
  })

  test('a digit that is none, or too long for an event, is refused', () => {
    expect(() => digitPackets('1E', { duration: 100, gap: 50 }, STREAM)).toThrow('E is no DTMF digit')
    expect(() => digitPackets('1', { duration: 1400, gap: 50 }, { clockRate: 48_000, ptime: 20 })).toThrow(RangeError)
  })
})

const arrivals = fc.record({
  digits: fc
    .array(fc.constantFrom(...DIGITS.split('')), { minLength: 1, maxLength: 8 })
    .map((digits) => digits.join('')),
  duration: fc.integer({ min: 2, max: 20 }).map((packets) => 20 * packets),
  gap: fc.integer({ min: 2, max: 10 }).map((packets) => 20 * packets),
  first: fc.constantFrom(0, 0xffff_f000, 0x7fff_ff00),
})

describe('of received packets', () => {
  test('every digit, its duration and the gap before it are known, also over the wrap of the timestamp', () => {
    fc.assert(
      fc.property(arrivals, ({ digits, duration, gap, first }) => {
        const heard = received(sent(digits, { duration, gap }, STREAM, first))
        expect(heard.map(({ digit }) => digit).join('')).toBe(digits)
        for (const [index, digit] of heard.entries()) {
          expect(digit).toMatchObject({ duration, complete: true, at: index * (duration + gap) })
          expect(digit.gap).toBe(index === 0 ? undefined : gap)
        }
      }),
    )
  })

  test('loss, duplicates and late packets change nothing, while one end of each digit comes', () => {
    fc.assert(
      fc.property(arrivals, fc.infiniteStream(fc.nat(9)), ({ digits, duration, gap }, chances) => {
        const packets = sent(digits, { duration, gap })
        const ends = new Map(
          packets.filter(({ payload }) => (payload[1] ?? 0) >= 0x80).map((packet) => [packet.timestamp, packet]),
        )
        const kept = packets.flatMap((packet, index) => {
          if (ends.get(packet.timestamp) === packet) return [packet]
          const chance = chances.next().value ?? 0
          if (chance < 3) return []
          const earlier = packets[Math.max(0, index - chance)]
          return chance < 6 || !earlier ? [packet, packet] : [packet, earlier]
        })
        const heard = received(kept)
        expect(heard.map(({ digit, duration: of, complete }) => [digit, of, complete])).toEqual(
          digits.split('').map((digit) => [digit, duration, true]),
        )
      }),
    )
  })

  test('a digit whose ends are all lost is there as far as it came, and the next one is another', () => {
    const packets = sent('77', { duration: 100, gap: 60 }).filter(
      ({ timestamp, payload }) => timestamp > 0 || (payload[1] ?? 0) < 0x80,
    )
    expect(received(packets)).toMatchObject([
      { digit: '7', duration: 80, complete: false },
      { digit: '7', duration: 100, gap: 80, complete: true },
    ])
  })

  test('one longer than a segment is one digit', () => {
    const payload = (end: boolean, duration: number) =>
      Uint8Array.of(5, end ? 0x8a : 10, duration >> 8, duration & 0xff)
    const packets = [
      { at: 0, timestamp: 100, payload: payload(false, 160) },
      { at: 8190, timestamp: 100, payload: payload(false, 0xffff) },
      { at: 8210, timestamp: 100 + 0xffff, payload: payload(false, 160) },
      { at: 8230, timestamp: 100 + 0xffff, payload: payload(true, 320) },
    ]
    expect(received(packets)).toEqual([{ digit: '5', at: 0, duration: (0xffff + 320) / 8, complete: true }])
  })

  test('a stream that begins anew is heard on', () => {
    const again = sent('2', { duration: 100, gap: 60 })
    expect(received([...sent('1', { duration: 100, gap: 60 }, STREAM, 0x4000_0000), ...again])).toMatchObject([
      { digit: '1', complete: true },
      { digit: '2', complete: true },
    ])
  })

  test('other events, cut off payloads and endless digits are no matter', () => {
    expect(received([{ at: 0, timestamp: 1, payload: Uint8Array.of(16, 10, 0, 160) }])).toEqual([])
    expect(received([{ at: 0, timestamp: 1, payload: Uint8Array.of(1, 10, 0) }])).toEqual([])
    const endless = Array.from({ length: 5000 }, (_, index) => ({
      at: index,
      timestamp: 1000 * index,
      payload: Uint8Array.of(1, 0x8a, 0, 160),
    }))
    expect(received(endless)).toHaveLength(1000)
  })
})
