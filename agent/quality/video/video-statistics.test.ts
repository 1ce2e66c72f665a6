import { describe, expect, test } from 'vitest'
import { type Random, seededRandom } from '../../../lib/random.ts'
import type { VideoPacket } from './frames.ts'
import { VideoStatistics } from './video-statistics.ts'

const FRAME_TIME = 40

interface Frame {
  key: boolean
  packets: VideoPacket[]
}

/** Frames one after the other, 25 a second, from sequence number 1000. @param sizes packets of each; `K` before it: a key frame */
function stream(...sizes: Array<number | `K${number}`>): Frame[] {
  let sequenceNumber = 1000
  return sizes.map((size, index) => {
    const key = typeof size === 'string'
    const count = key ? Number(size.slice(1)) : size
    const packets = Array.from({ length: count }, (_, place) => ({
      sequenceNumber: sequenceNumber++,
      timestamp: index * FRAME_TIME * 90,
      marker: place === count - 1,
      begins: place === 0,
      key: key && place === 0,
      picture: true,
      padding: false,
      width: key && place === 0 ? 640 : 0,
      height: key && place === 0 ? 360 : 0,
    }))
    return { key, packets }
  })
}

/** Each packet arrives 1 ms after the one before, a frame at its time. */
function receive(packets: readonly VideoPacket[]): VideoStatistics {
  const statistics = new VideoStatistics()
  for (const [index, packet] of packets.entries()) statistics.receive(packet.timestamp / 90 + index / 1000, packet)
  return statistics
}

const all = (frames: readonly Frame[]) => frames.flatMap((frame) => frame.packets)
const without = (frames: readonly Frame[], ...numbers: number[]) =>
  all(frames).filter((packet) => !numbers.includes(packet.sequenceNumber - 1000))

describe('frames', () => {
  test('that are all there are shown, with rate and size', () => {
    const frames = stream('K3', 1, 2, 1, 1, 1)
    const summary = receive(all(frames)).summary(200)
    expect(summary).toMatchObject({ frames: 6, keyFrames: 1, incompleteFrames: 0, width: 640, height: 360, freezes: 0 })
    expect(summary?.frameRate).toBeCloseTo(25, 1)
  })

  test('are not shown after a hole, until a key frame comes', () => {
    const statistics = receive(without(stream('K1', 2, 1, 1, 'K2', 1), 2))
    expect(statistics.summary(200)).toMatchObject({ frames: 3, keyFrames: 2, incompleteFrames: 1 })
    expect(statistics.waitingSince).toBeUndefined()
  })

  test('wait behind a hole, and are shown when it is filled', () => {
    const frames = stream('K1', 1, 1, 1)
    const [hole] = frames[1]?.packets ?? []
    const statistics = receive(without(frames, 1))
    expect(statistics.summary(120)?.frames).toBe(1)
    expect(statistics.waitingSince).toBeCloseTo(80, 1)
    if (hole) statistics.receive(130, hole)
    expect(statistics.summary(130)).toMatchObject({ frames: 4, incompleteFrames: 0 })
    expect(statistics.waitingSince).toBeUndefined()
  })

  test('before the first key frame are not shown, and wait for it', () => {
    const statistics = receive(all(stream(1, 2, 1)))
    expect(statistics.summary(120)).toMatchObject({ frames: 0, keyFrames: 0, incompleteFrames: 0 })
    expect(statistics.summary(120)).not.toHaveProperty('frameRate')
    expect(statistics.waitingSince).toBe(0)
  })

  test('count once, however often their packets come', () => {
    const packets = all(stream('K2', 1, 2))
    expect(receive([...packets, ...packets]).summary(80)).toMatchObject({ frames: 3, incompleteFrames: 0 })
  })

  test('that are older than what is shown stay away, also key frames', () => {
    const frames = stream('K1', 1, 'K2', 1, 'K1', 1)
    const statistics = receive(without(frames, 3))
    expect(statistics.summary(200)).toMatchObject({ frames: 4, keyFrames: 2, incompleteFrames: 1 })
    const late = all(frames)[3]
    if (late) statistics.receive(300, late)
    expect(statistics.summary(300)).toMatchObject({ frames: 4, keyFrames: 2, incompleteFrames: 0 })
    expect(statistics.waitingSince).toBeUndefined()
  })

  test('count once when what belongs before their beginning comes late', () => {
    const frames = stream('K2', 1)
    const [sets, picture, next] = all(frames)
    if (!sets || !picture || !next) throw new Error('no packets')
    Object.assign(sets, { key: false, picture: false })
    Object.assign(picture, { key: true, begins: true })
    expect(receive([picture, sets, next]).summary(80)).toMatchObject({ frames: 2, incompleteFrames: 0 })
  })

  test('are as many with padding between them, and with parameter sets under a marker of their own', () => {
    const frames = stream('K2', 1, 1, 1)
    const packets = all(frames)
    const [sets, , padding] = packets
    Object.assign(sets ?? {}, { marker: true, picture: false, key: false })
    Object.assign(packets[1] ?? {}, { key: true })
    Object.assign(padding ?? {}, { padding: true, picture: false, timestamp: 0, marker: false })
    expect(receive(packets).summary(120)).toMatchObject({ frames: 3, keyFrames: 1, incompleteFrames: 0 })
  })

  test('of which the newest has not come yet lack nothing', () => {
    const packets = without(stream('K1', 3), 3)
    expect(receive(packets).summary(60)).toMatchObject({ frames: 1, incompleteFrames: 0 })
  })

  test('are counted per second since the last question', () => {
    const statistics = receive(all(stream('K1', 1, 1, 1, 1)))
    expect(statistics.frameRateSince(500)).toBe(10)
    expect(statistics.frameRateSince(1500)).toBe(0)
    expect(new VideoStatistics().frameRateSince(500)).toBeUndefined()
  })
})

/** What can be shown, from the definition: whole, and a key frame or next to one that could. */
function truth(frames: readonly Frame[], arrived: ReadonlySet<VideoPacket>) {
  let shown = false
  let count = 0
  for (const { key, packets } of frames) {
    shown = packets.every((packet) => arrived.has(packet)) && (key || shown)
    if (shown) count++
  }
  const begun = frames.slice(0, -1).filter(({ packets }) => packets.some((packet) => arrived.has(packet)))
  const incomplete = begun.filter(({ packets }) => !packets.every((packet) => arrived.has(packet))).length
  return { frames: count, incompleteFrames: incomplete }
}

/** Frames of random sizes, a tenth of them key frames; the last one whole. */
function randomFrames(random: Random): Frame[] {
  const size = () => 1 + Math.floor(random() ** 3 * 12)
  const middle = Array.from({ length: 120 }, () => (random() < 0.1 ? (`K${size()}` as const) : size()))
  return stream(`K${size()}`, ...middle, 'K1')
}

test('of 200 streams with random loss, those frames are shown that can be', () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = seededRandom(seed)
    const frames = randomFrames(random)
    const loss = random() * 0.2
    const last = frames.at(-1)?.packets[0]
    const arriving = all(frames).filter((packet) => packet === last || random() >= loss)
    expect({ seed, ...receive(arriving).summary(5000) }).toMatchObject({ seed, ...truth(frames, new Set(arriving)) })
  }
})

test('of 200 streams out of order, all frames are shown, and each once', () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = seededRandom(seed)
    const sizes = Array.from({ length: 120 }, () => 1 + Math.floor(random() * 6))
    const frames = stream('K13', ...sizes)
    // The first key frame comes in order: without its beginning a stream has none.
    const placed = all(frames).map((packet, index) => ({ packet, place: index < 13 ? index : index + random() * 12 }))
    const packets = placed.toSorted((left, right) => left.place - right.place).map(({ packet }) => packet)
    expect({ seed, ...receive(packets).summary(5000) }).toMatchObject({
      seed,
      frames: frames.length,
      incompleteFrames: 0,
    })
  }
})
