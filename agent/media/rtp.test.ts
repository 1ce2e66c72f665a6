/** RTP packets: what is one, and reading back what was written. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  HEADER_LENGTH,
  createPacket,
  isRtcp,
  isRtp,
  payloadType,
  sequenceNumber,
  setSsrc,
  ssrc,
  stampPacket,
  timestamp,
} from './rtp.ts'

const uint = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 })

test('what was written is read back, in the layout of RFC 3550 5.1', () => {
  const packet = createPacket(8, 0xdead_beef, 4)
  stampPacket(packet, true, 0xfffe, 0x8000_0001)
  expect(packet.toString('hex')).toBe('8088fffe80000001deadbeef00000000')
  fc.assert(
    fc.property(
      fc.tuple(uint(7), uint(32), uint(16), uint(32)),
      fc.boolean(),
      ([type, source, sequence, time], marker) => {
        const some = createPacket(type, source, 0)
        stampPacket(some, marker, sequence, time)
        expect([payloadType(some), ssrc(some), sequenceNumber(some), timestamp(some)]).toEqual([
          type,
          source,
          sequence,
          time,
        ])
        setSsrc(some, 7)
        expect([payloadType(some), ssrc(some), sequenceNumber(some), timestamp(some)]).toEqual([
          type,
          7,
          sequence,
          time,
        ])
      },
    ),
  )
})

describe('a packet is RTP', () => {
  const header = (first: number, second = 8) => [first, second, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]

  test.each([
    ['a header alone', header(0x80), true],
    ['eleven octets', header(0x80).slice(0, 11), false],
    ['nothing', [], false],
    ['version 1', header(0x40), false],
    ['RTCP SR', header(0x80, 200), false],
    ['RTCP APP', header(0x80, 204), false],
    ['payload type 77', header(0x80, 77), true],
    ['two CSRCs', [...header(0x82), 0, 0, 0, 1, 0, 0, 0, 2], true],
    ['two CSRCs announced, one there', [...header(0x82), 0, 0, 0, 1], false],
    ['an extension of one word', [...header(0x90), 0xbe, 0xde, 0, 1, 1, 2, 3, 4], true],
    ['an extension without its length', [...header(0x90), 0xbe, 0xde], false],
    ['an extension longer than the packet', [...header(0x90), 0xbe, 0xde, 0xff, 0xff, 1, 2, 3, 4], false],
    ['padding', [...header(0xa0), 9, 9, 0, 2], true],
    ['padding of 0', [...header(0xa0), 9, 9, 0, 0], false],
    ['padding that reaches into the header', [...header(0xa0), 9, 9, 0, 5], false],
  ])('or not: %s', (_name, octets, expected) => {
    expect(isRtp(Buffer.from(octets))).toBe(expected)
  })
})

test('on a port of both, each packet is RTP, RTCP or neither (RFC 5761 4)', () => {
  const of = (second: number) => Uint8Array.from([0x80, second, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3])
  const rtcp = Array.from({ length: 256 }, (_, second) => second).filter((second) => isRtcp(of(second)))
  expect([rtcp.length, rtcp[0], rtcp.at(-1)]).toEqual([32, 192, 223])
  // Types that RTP has in use: static ones to 34, dynamic ones from 96, with and without the marker.
  for (const type of [0, 8, 9, 18, 34, 96, 101, 111, 127]) {
    for (const marker of [0, 0x80]) expect([isRtp(of(type | marker)), isRtcp(of(type | marker))]).toEqual([true, false])
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (octets) => {
      expect(isRtp(octets) && isRtcp(octets)).toBe(false)
    }),
  )
  // STUN and DTLS on the same port (RFC 7983) are neither.
  for (const first of [0, 1, 20, 63])
    expect([isRtp(Uint8Array.of(first, 200)), isRtcp(Uint8Array.of(first, 200))]).toEqual([false, false])
})

test('no octets make reading throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (octets) => {
      expect(isRtp(octets) && octets.length < HEADER_LENGTH).toBe(false)
      for (const field of [payloadType(octets), sequenceNumber(octets), timestamp(octets), ssrc(octets)]) {
        expect(field).toBeGreaterThanOrEqual(0)
      }
    }),
    { numRuns: 5000 },
  )
})
