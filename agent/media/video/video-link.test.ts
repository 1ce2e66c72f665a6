import { describe, expect, test } from 'vitest'
import { Clips } from './clips.ts'
import { type LinkOptions, type SentFrame, videoLink } from './link.fixture.ts'
import { videoMetrics } from './index.ts'

const clips = new Clips()
const NONE = { nack: false, keyFrames: 'None' } as const
const NACK = { nack: true, keyFrames: 'None' } as const
/** Milliseconds. */
const DURATION = 20_000

async function call(options: Omit<LinkOptions, 'clip' | 'frameRate'> & Partial<LinkOptions>) {
  await using link = await videoLink({ clip: clips.of('VP8', 'R360p'), frameRate: 15, ...options })
  await link.run(DURATION)
  const { sender, receiver, frames, drops } = link
  return { sender, frames, drops: drops.count, metrics: videoMetrics(receiver, sender, DURATION) }
}

test.each([
  ['VP8', 'R360p', 30, 640, 360],
  ['H264', 'R360p', 15, 640, 360],
  ['VP8', 'R1080p', 60, 1920, 1080],
  ['H264', 'R720p', 25, 1280, 720],
] as const)(
  '%s %s at %i frames a second arrives as it was sent',
  async (codec, resolution, frameRate, width, height) => {
    const clip = clips.of(codec, resolution)
    const { sender, metrics } = await call({ clip, frameRate, repair: NONE })
    expect(sender.frames).toBe((frameRate * DURATION) / 1000)
    expect(metrics).toEqual({
      frameRate: expect.closeTo(frameRate, 1),
      ...{ frameWidth: width, frameHeight: height, keyFrames: Math.ceil(sender.frames / 30) },
      ...{ incompleteFrames: 0, freezes: 0, freezeTime: 0 },
      ...{ nacksSent: 0, nacksReceived: 0, plisSent: 0, plisReceived: 0, firsSent: 0, firsReceived: 0 },
    })
  },
)

/** The last frame may still be under way. */
const arrivedOf = (frames: readonly SentFrame[]) => frames.slice(0, -1)

/** What a stream without any repair shows, from the record of what was dropped: nothing from a loss to the next key frame. */
function truth(frames: readonly SentFrame[]) {
  let shown = false
  const times: number[] = []
  for (const [index, { dropped, at }] of frames.entries()) {
    shown = dropped === 0 && (index % 30 === 0 || shown)
    if (shown) times.push(at)
  }
  // The picture may stand still at the end.
  times.push(DURATION)
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
  const frozen = gaps.filter((gap, index) => {
    const before = gaps.slice(Math.max(0, index - 30), index)
    const average = before.reduce((sum, each) => sum + each, 0) / before.length
    return gap >= Math.max(3 * average, average + 150)
  })
  const begun = arrivedOf(frames).filter(({ dropped, packets }) => dropped < packets)
  return {
    freezes: frozen.length,
    freezeTime: frozen.reduce((sum, gap) => sum + gap, 0),
    incompleteFrames: begun.filter(({ dropped }) => dropped > 0).length,
  }
}

describe('with loss', () => {
  test.each([1, 2, 3, 4, 5])('that nobody repairs, freezes are those of the record (seed %i)', async (seed) => {
    const { frames, metrics } = await call({ repair: NONE, loss: 0.02, seed })
    expect(truth(frames).freezes).toBeGreaterThan(0)
    expect(metrics).toMatchObject(truth(frames))
  })

  // With seeds where no packet is lost twice in a row: it comes at the third try, after 210 ms, and that is a freeze.
  test.each([1, 2, 3, 4])('NACK brings every packet back, and nothing freezes (seed %i)', async (seed) => {
    const { sender, drops, metrics } = await call({ repair: NACK, loss: 0.02, seed })
    expect(drops).toBeGreaterThan(0)
    expect(metrics).toMatchObject({ freezes: 0, freezeTime: 0, incompleteFrames: 0, frameRate: expect.closeTo(15, 0) })
    expect(sender.retransmissions).toBe(drops)
    expect(metrics).toMatchObject({ nacksSent: drops, nacksReceived: drops })
  })

  test.each(['PLI', 'FIR'] as const)('%s brings a key frame soon, and what freezes is shorter', async (keyFrames) => {
    const unrepaired = await call({ repair: NONE, loss: 0.02, seed: 3 })
    const { metrics } = await call({ repair: { nack: false, keyFrames }, loss: 0.02, seed: 3 })
    const sent = keyFrames === 'PLI' ? metrics.plisSent : metrics.firsSent
    const received = keyFrames === 'PLI' ? metrics.plisReceived : metrics.firsReceived
    expect(sent).toBeGreaterThan(0)
    expect(received).toBe(sent)
    expect(metrics.keyFrames).toBeGreaterThan(unrepaired.metrics.keyFrames ?? 0)
    expect(metrics.freezeTime).toBeLessThan(unrepaired.metrics.freezeTime ?? 0)
  })

  test('of everything, nothing is measured but what was asked for', async () => {
    const { metrics } = await call({ repair: NACK, loss: 1 })
    expect(metrics).not.toHaveProperty('freezes')
    expect(metrics).toMatchObject({ nacksSent: 0, plisSent: 0 })
  })
})
