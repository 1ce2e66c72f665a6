import { describe, expect, test } from 'vitest'
import { ExtendedSequence, type VideoPacket } from '../../quality/index.ts'
import { type Clip, readAnnexB, readIvf } from './clip.ts'
import { Clips } from './clips.ts'
import { readH264 } from './h264.ts'
import { LONGEST_PAYLOAD } from './payload.ts'
import { readVp8 } from './vp8.ts'

const READERS = { VP8: readVp8, H264: readH264 } as const

/** What a payload says of its frame, read as from a packet that is more than it. */
function said(codec: Clip['codec'], payload: Buffer): VideoPacket {
  const packet: VideoPacket = {
    ...{ sequenceNumber: new ExtendedSequence().extend(1, 1), timestamp: 0, marker: false, begins: false, key: false },
    ...{ picture: false, padding: false, width: 0, height: 0 },
  }
  const surrounded = Buffer.concat([Buffer.alloc(12, 0xff), payload, Buffer.alloc(4, 0xff)])
  READERS[codec](surrounded, { start: 12, end: 12 + payload.length }, packet)
  return packet
}

const clips = new Clips()

describe.each([
  ['VP8', 'R360p', 640, 360],
  ['VP8', 'R720p', 1280, 720],
  ['VP8', 'R1080p', 1920, 1080],
  ['H264', 'R360p', 640, 360],
  ['H264', 'R720p', 1280, 720],
  ['H264', 'R1080p', 1920, 1080],
] as const)('the clip %s %s', (codec, resolution, width, height) => {
  const { frames } = clips.of(codec, resolution)

  test('has 60 frames, with a key frame at the first and in the middle', () => {
    expect(frames.map(({ key }) => key)).toEqual(Array.from({ length: 60 }, (_, index) => index % 30 === 0))
  })

  test('is in payloads that say where a frame begins, which is a key frame, and its size', () => {
    for (const { key, payloads } of frames) {
      const read = payloads.map((payload) => said(codec, payload))
      expect(read.map(({ begins }) => begins).indexOf(true)).toBe(0)
      expect(read.some((packet) => packet.key)).toBe(key)
      expect(read.some(({ picture }) => picture)).toBe(true)
      expect(read[0]).toMatchObject(key ? { width, height } : { width: 0, height: 0 })
    }
  })

  test('fits into packets of any path', () => {
    const lengths = frames.flatMap(({ payloads }) => payloads.map(({ length }) => length))
    expect(Math.max(...lengths)).toBeLessThanOrEqual(LONGEST_PAYLOAD)
    expect(Math.min(...lengths)).toBeGreaterThan(4)
  })
})

test('a clip is read once', () => {
  expect(clips.of('VP8', 'R360p')).toBe(clips.of('VP8', 'R360p'))
})

test('what is no clip is refused', () => {
  expect(() => readIvf(Buffer.from('RIFF....WAVE'))).toThrow('no IVF')
  expect(() => readAnnexB(Buffer.from('000001410080', 'hex'))).toThrow('key frame')
})
