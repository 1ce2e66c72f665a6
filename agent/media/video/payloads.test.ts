import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../lib/random.ts'
import type { VideoPacket } from '../../quality/index.ts'
import { h264Payloads, readH264 } from './h264.ts'
import { LONGEST_PAYLOAD } from './payload.ts'
import { pictureSize } from './sequence-parameter-set.ts'
import { readVp8, setPictureId, vp8Payloads } from './vp8.ts'

const nothing = { begins: false, key: false, picture: false, width: 0, height: 0 }
const empty = (): VideoPacket => ({ sequenceNumber: 1, timestamp: 0, marker: false, padding: false, ...nothing })

function read(reader: typeof readVp8, payload: Buffer): VideoPacket {
  const into = empty()
  reader(payload, { start: 0, end: payload.length }, into)
  return into
}

const vp8 = (hex: string) => read(readVp8, Buffer.from(hex, 'hex'))
const h264 = (hex: string) => read(readH264, Buffer.from(hex, 'hex'))

/** RFC 6386 9.1: 3 octets, start code, 176 x 144. */
const KEY = '500300' + '9d012a' + 'b000' + '9000'

describe('a payload of VP8', () => {
  test.each([
    ['one octet (RFC 7741 4.6.1 has no extension)', '10'],
    ['7 bits of PictureID', '908011'],
    ['15 bits of PictureID (RFC 7741 4.6.2)', '90808111'],
    ['TL0PICIDX and TID', '90e081112020'],
    ['KEYIDX', '901005'],
    ['everything', '90f0811120a5'],
  ])('with a descriptor of %s says that a key frame begins, and its size', (_, descriptor) => {
    expect(vp8(descriptor + KEY)).toMatchObject({ begins: true, key: true, picture: true, width: 176, height: 144 })
  })

  test.each([
    ['an interframe', '10510300', { begins: true, key: false, picture: true }],
    ['a further part', '00' + KEY, { begins: false, key: false, picture: true }],
    ['a later partition', '11' + KEY, { begins: false, key: false, picture: true }],
    ['a key frame without start code', '10500300000000b0009000', { begins: true, key: true, width: 0 }],
    ['a descriptor alone', '9080', { begins: false, key: false, picture: false }],
  ])('of %s', (_, hex, facts) => {
    expect(vp8(hex)).toMatchObject(facts)
  })

  test('says the size without the bits for scaling', () => {
    expect(vp8('10' + '500300' + '9d012a' + '80c2' + '6841')).toMatchObject({ width: 640, height: 360 })
  })

  test('is a part of the frame behind a descriptor with a PictureID', () => {
    const frame = Buffer.from(Array.from({ length: 3000 }, (_, index) => index & 0xff))
    const payloads = vp8Payloads(frame)
    for (const payload of payloads) setPictureId(payload, 0, 0x1_1234)
    expect(payloads.map((payload) => payload.toString('hex', 0, 4))).toEqual(['90809234', '80809234', '80809234'])
    expect(Buffer.concat(payloads.map((payload) => payload.subarray(4)))).toEqual(frame)
  })
})

const SLICE = 0x41
const unit = (header: number, length: number) => Buffer.concat([Buffer.from([header, 0x9a]), Buffer.alloc(length, 5)])

describe('a payload of H.264', () => {
  test.each([
    ['a slice that begins a picture', '419a00', { begins: true, key: false, picture: true }],
    ['a further slice', '415a00', { begins: false, key: false, picture: true }],
    ['a slice of an IDR picture', '658800', { begins: true, key: true, picture: true }],
    ['SEI', '0601', { begins: false, key: false, picture: false }],
    ['an access unit delimiter', '0910', { begins: true, key: false, picture: false }],
    ['SPS and PPS together', '78' + '0003674200' + '000268ce', { begins: true, key: false, picture: false }],
    [
      'SPS, PPS and IDR together',
      '78' + '0002674d' + '000268ce' + '00026588',
      { begins: true, key: true, picture: true },
    ],
    ['the first part of an IDR slice', '7c8588', { begins: true, key: true, picture: true }],
    ['a further part of one', '7c05ff', { begins: false, key: true, picture: true }],
    ['the first part of a further slice', '5c8140', { begins: false, key: false, picture: true }],
    ['an aggregate that says more than it has', '78ffff65', { begins: false, key: true, picture: true }],
    ['an aggregate of nothing', '780000', { begins: false, key: false, picture: false }],
  ])('of %s', (_, hex, facts) => {
    expect(h264(hex)).toMatchObject(facts)
  })

  test('is parameter sets together, a short unit alone, a long one in parts', () => {
    const [sps, pps, short, long] = [unit(0x67, 8), unit(0x28, 2), unit(0x65, 500), unit(SLICE, 3000)]
    const [sets, single, ...parts] = h264Payloads([sps, pps, short, long])
    expect(sets).toEqual(Buffer.concat([Buffer.from([0x78, 0, 10]), sps, Buffer.from([0, 4]), pps]))
    expect(single).toEqual(short)
    expect(parts.map((part) => part.toString('hex', 0, 2))).toEqual(['5c81', '5c01', '5c41'])
    expect(Math.max(...parts.map(({ length }) => length))).toBeLessThanOrEqual(LONGEST_PAYLOAD)
    expect(Buffer.concat([Buffer.from([SLICE]), ...parts.map((part) => part.subarray(2))])).toEqual(long)
  })
})

describe('a sequence parameter set', () => {
  test('that is cut off has no size', () => {
    // Of libx264, for 640x360: 23 rows of macroblocks, of which eight lines are cropped.
    const whole = Buffer.from('6742c01eda0280bfe5c044000003000400000300f03c58ba80', 'hex')
    expect(pictureSize(whole)).toEqual({ width: 640, height: 360 })
    for (let length = 0; length < 9; length++) expect(pictureSize(whole.subarray(0, length))).toBeUndefined()
  })
})

test('random octets are read without a complaint', () => {
  const random = seededRandom(11)
  for (let round = 0; round < 20_000; round++) {
    const octets = Buffer.from(Array.from({ length: Math.floor(random() * 60) }, () => Math.floor(random() * 256)))
    if (octets.length > 0 && random() < 0.5) octets[0] = [0x67, 0x78, 0x7c, 0x90][round & 3] ?? 0
    for (const reader of [readVp8, readH264]) {
      const { width, height } = read(reader, octets)
      expect(width).toBeLessThanOrEqual(16_384)
      expect(height).toBeLessThanOrEqual(16_384)
    }
  }
})
