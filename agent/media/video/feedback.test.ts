import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../lib/random.ts'
import { buildCompound } from '../rtcp.ts'
import { type Feedback, buildFeedback, parseFeedback } from './feedback.ts'

const feedback: Feedback[] = [
  { type: 'NACK', sender: 1, media: 0xdead_beef, lost: [65_530, 65_531, 65_535, 0, 10, 11, 400] },
  { type: 'PLI', sender: 1, media: 0xdead_beef },
  {
    type: 'FIR',
    sender: 1,
    commands: [
      { ssrc: 0xdead_beef, number: 255 },
      { ssrc: 3, number: 0 },
    ],
  },
]

describe('feedback', () => {
  test('is read as it was written, in a compound packet and alone', () => {
    expect(parseFeedback(buildFeedback(feedback))).toEqual(feedback)
    const report = buildCompound([{ type: 'RR', ssrc: 1, reports: [] }])
    expect(parseFeedback(Buffer.concat([report, buildFeedback(feedback)]))).toEqual(feedback)
    expect(parseFeedback(report)).toEqual([])
  })

  test('is the octets of RFC 4585 6.2.1: a PID, and a bit for each of the 16 behind it', () => {
    const octets = buildFeedback([{ type: 'NACK', sender: 0x01020304, media: 0x05060708, lost: [16, 17, 32, 33] }])
    expect(octets.toString('hex')).toBe('81cd0004' + '01020304' + '05060708' + '00108001' + '00210000')
  })

  test('is the octets of RFC 4585 6.3.1 and RFC 5104 4.3.1.1', () => {
    expect(buildFeedback(feedback.slice(1, 2)).toString('hex')).toBe('81ce0002' + '00000001' + 'deadbeef')
    const command: Feedback = { type: 'FIR', sender: 1, commands: [{ ssrc: 0xdead_beef, number: 7 }] }
    expect(buildFeedback([command]).toString('hex')).toBe(
      '84ce0004' + '00000001' + '00000000' + 'deadbeef' + '07000000',
    )
  })

  test('that is cut off is read as far as it goes', () => {
    const octets = buildFeedback(feedback)
    for (let length = 0; length < octets.length; length++) {
      const read = parseFeedback(octets.subarray(0, length))
      expect(feedback.slice(0, read.length)).toEqual(read)
    }
  })

  test('of other kinds, and padding, is passed over', () => {
    const rest = Buffer.from('8fce0004' + '00000001' + '00000002' + '52454d42' + '00000000', 'hex')
    const padded = Buffer.from('a1ce0003' + '00000001' + 'deadbeef' + '00000004', 'hex')
    expect(parseFeedback(Buffer.concat([rest, padded]))).toEqual(feedback.slice(1, 2))
    expect(parseFeedback(Buffer.from('81cd0002' + '00000001' + 'deadbeef', 'hex'))).toEqual([])
  })

  test('of random octets is none, or some', () => {
    const random = seededRandom(7)
    for (let round = 0; round < 20_000; round++) {
      const octets = Buffer.from(Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256)))
      if (octets.length > 3) octets.set([0x80 | (random() * 16), random() < 0.5 ? 205 : 206, 0, random() * 10])
      expect(parseFeedback(octets).length).toBeLessThanOrEqual(10)
    }
  })
})
