/** Opus: what libopus elsewhere made is decoded, what we make is whole, and nothing that a peer sends escapes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { signal } from '../source/signals.ts'
import type { PacketLoop } from './packet-loop.ts'
import { OPUS } from './opus.ts'
import { level, share, signalToNoise } from './sound.fixture.ts'

const RATE = OPUS.sampleRate

function decodeAll(packets: readonly Uint8Array[]): Int16Array {
  using decoder = OPUS.decoder()
  return Int16Array.from(packets.flatMap((packet) => [...decoder.decode(packet)]))
}

const packetsOf = ({ octets, starts, ends }: PacketLoop) =>
  [...starts].map((start, index) => octets.subarray(start, ends[index]))

/** The packets of an Ogg stream (RFC 3533 6), in which none goes on over the end of a page. */
function oggPackets(file: Buffer): Buffer[] {
  const packets: Buffer[] = []
  for (let page = 0; page < file.length;) {
    const segments = file.subarray(page + 27, page + 27 + file.readUInt8(page + 26))
    let start = page + 27 + segments.length
    let end = start
    for (const length of segments) {
      end += length
      if (length === 255) continue
      packets.push(file.subarray(start, end))
      start = end
    }
    page = end
  }
  return packets
}

test('a stream of opusenc, two channels and packets of various sizes, is decoded to its tone', () => {
  const file = readFileSync(join(import.meta.dirname, '../../../test/vectors/opus/tone.opus'))
  const [, , ...packets] = oggPackets(file)
  expect(new Set(packets.map((packet) => packet.length)).size).toBeGreaterThan(3)
  const decoded = decodeAll(packets)
  expect(decoded.length).toBe(packets.length * 960)
  const middle = decoded.subarray(4800, 43_200)
  expect(level(middle)).toBeCloseTo(20 * Math.log10(8000 / Math.SQRT2 / 32_768), 1)
  expect(share(middle, 1004, RATE)).toBeGreaterThan(0.999)
})

test.each(OPUS.ptimes)('packets of %i ms have one size and come back as the tone, 312 samples later', (ptime) => {
  const tone = signal({ kind: 'Tone' }, RATE).subarray(0, 1.2 * RATE)
  const packets = packetsOf(OPUS.encode(tone, ptime))
  expect(packets.length).toBe(1200 / ptime)
  expect(new Set(packets.map((packet) => packet.length))).toEqual(new Set([4 * ptime]))
  const decoded = decodeAll(packets)
  expect(decoded.length).toBe(tone.length)
  const delay = (OPUS.codingDelay * RATE) / 1000
  const noise = [delay - 2, delay, delay + 2].map((samples) => signalToNoise(tone, decoded, samples, RATE))
  expect(Math.max(...noise)).toBe(noise[1])
  expect(noise[1]).toBeGreaterThan(15)
})

test('whatever a payload is, a decoder goes on', () => {
  const [packet = Buffer.alloc(0)] = packetsOf(OPUS.encode(signal({ kind: 'Tone' }, RATE).subarray(0, 5760), 20))
  using decoder = OPUS.decoder()
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (payload) => {
      // RFC 6716 3.4: 120 ms at most.
      expect(decoder.decode(payload).length).toBeLessThanOrEqual(5760)
      expect(decoder.decode(packet).length).toBe(960)
    }),
    { numRuns: 200 },
  )
  expect(decoder.decode(Buffer.alloc(65_507, 1)).length).toBe(0)
  expect(decoder.decode(Buffer.alloc(0)).length).toBe(0)
})
