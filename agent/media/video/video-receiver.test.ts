import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../lib/random.ts'
import { isRtp, setSsrc } from '../rtp.ts'
import { Clips } from './clips.ts'
import type { Feedback } from './feedback.ts'
import { VideoReceiver, type VideoReceiverOptions } from './video-receiver.ts'
import { VideoSender } from './video-sender.ts'

const clips = new Clips()

/** All packets of so many frames, 25 a second. */
function packets(codec: 'VP8' | 'H264', frames: number): Buffer[] {
  const sent: Buffer[] = []
  const clip = clips.of(codec, 'R360p')
  const start = { sequenceNumber: 65_530, timestamp: 5 }
  let complete = 0
  const send = (octets: Buffer) => {
    if (complete < frames) sent.push(octets)
    if ((octets.readUInt8(1) & 0x80) !== 0) complete++
  }
  const sender = new VideoSender({ clip, ssrc: 9, payloadType: 96, frameRate: 25, start, send }, 0)
  for (let now = 0; complete < frames; now += 5) sender.step(now)
  return sent
}

function receiving(repair: VideoReceiverOptions['repair'], codec: 'VP8' | 'H264' = 'VP8') {
  const sent: Array<{ at: number; feedback: Feedback }> = []
  let now = 0
  const send = (feedback: Feedback) => sent.push({ at: now, feedback })
  const receiver = new VideoReceiver({ codec, ssrc: 3, repair, send })
  return {
    receiver,
    sent,
    receive: (octets: Buffer | undefined) => octets && receiver.receive(now, octets),
    run: (milliseconds: number) => {
      for (const end = now + milliseconds; now < end; now++) receiver.step(now)
    },
  }
}

const lost = (...numbers: number[]): Feedback => ({ type: 'NACK', sender: 3, media: 9, lost: numbers })
const PLI: Feedback = { type: 'PLI', sender: 3, media: 9 }

describe('a packet that is missing', () => {
  const [first, ...others] = packets('VP8', 20)

  test('is asked for after 10 ms and every 100 ms, five times, and then a key frame is', () => {
    const { sent, receive, run } = receiving({ nack: true, keyFrames: 'PLI' })
    for (const octets of [first, ...others.slice(1)]) receive(octets)
    run(1200)
    const nacks = [10, 110, 210, 310, 410].map((at) => ({ at, feedback: lost(65_531) }))
    expect(sent).toEqual([...nacks, { at: 510, feedback: PLI }, { at: 1010, feedback: PLI }])
  })

  test('is not asked for when it was only late', () => {
    const { sent, receive, run } = receiving({ nack: true, keyFrames: 'PLI' })
    for (const octets of [first, ...others.slice(1)]) receive(octets)
    run(9)
    receive(others[0])
    run(1000)
    expect(sent).toEqual([])
  })

  test('together with more than can be repaired makes a key frame be asked for at once', () => {
    const { sent, receive, run } = receiving({ nack: true, keyFrames: 'PLI' })
    const stream = packets('VP8', 200)
    for (const octets of [...stream.slice(0, 20), ...stream.slice(150, 180)]) receive(octets)
    run(50)
    expect(sent).toEqual([{ at: 20, feedback: PLI }])
  })

  test('is asked for together with 128 others at most', () => {
    const { receiver, receive, run } = receiving({ nack: true, keyFrames: 'PLI' })
    const stream = packets('VP8', 200)
    for (const index of [0, 60, 120, 180]) receive(stream[index])
    run(50)
    expect(receiver.nacksSent).toBe(0)
    receive(stream[200])
    run(50)
    expect(receiver.nacksSent).toBe(19)
  })

  test('is not asked for when a key frame has come behind it', () => {
    const { sent, receive, run } = receiving({ nack: true, keyFrames: 'PLI' })
    for (const octets of packets('VP8', 40).toSpliced(10, 1)) receive(octets)
    run(1000)
    expect(sent).toEqual([])
  })

  test('is not asked for where that was not agreed on', () => {
    const { sent, receive, run } = receiving({ nack: false, keyFrames: 'FIR' })
    for (const octets of [first, ...others.slice(1)]) receive(octets)
    run(600)
    const command = (number: number): Feedback => ({ type: 'FIR', sender: 3, commands: [{ ssrc: 9, number }] })
    expect(sent).toEqual([
      { at: 20, feedback: command(0) },
      { at: 520, feedback: command(1) },
    ])
  })
})

test('another source goes on with its key frame, and nothing of the one before is asked for', () => {
  const { receiver, sent, receive, run } = receiving({ nack: true, keyFrames: 'PLI' })
  for (const octets of packets('VP8', 20)) receive(octets)
  for (const octets of packets('VP8', 20)) {
    setSsrc(octets, 10)
    octets.writeUInt16BE((octets.readUInt16BE(2) + 9000) & 0xffff, 2)
    octets.writeUInt32BE(octets.readUInt32BE(4) + 7_000_000, 4)
    receive(octets)
  }
  run(1000)
  expect(receiver.summary(0)).toMatchObject({ frames: 40, keyFrames: 2, incompleteFrames: 0 })
  expect(sent).toEqual([])
})

test('RTP padding and header extensions are no part of the payload', () => {
  const { receiver, receive } = receiving({ nack: true, keyFrames: 'PLI' })
  const extension = Buffer.from('bede0001' + '10aa0000', 'hex')
  for (const octets of packets('VP8', 20)) {
    const longer = Buffer.concat([octets.subarray(0, 12), extension, octets.subarray(12), Buffer.from([0, 0, 0, 4])])
    longer.writeUInt8(0xb0)
    receive(longer)
  }
  expect(receiver.summary(0)).toMatchObject({ frames: 20, keyFrames: 1, width: 640, height: 360 })
})

test.each(['VP8', 'H264'] as const)(
  'changed packets of %s are received without a complaint, and asked for within bounds',
  (codec) => {
    const random = seededRandom(codec.length)
    const { receiver, sent, receive, run } = receiving({ nack: true, keyFrames: 'PLI' }, codec)
    const stream = packets(codec, 200)
    for (let round = 0; round < 40_000; round++) {
      const octets = Buffer.from(stream[Math.floor(random() * stream.length)] ?? [])
      for (let change = random() * 6; change > 1; change--) {
        // Mostly headers: they decide what happens.
        octets[Math.floor(random() ** 4 * octets.length)] = random() * 256
      }
      const cut = random() < 0.2 ? octets.subarray(0, random() * octets.length) : octets
      if (isRtp(cut)) receive(cut)
      if (round % 50 === 0) run(1)
    }
    for (const { feedback } of sent)
      expect(feedback).toSatisfy(() => feedback.type !== 'NACK' || feedback.lost.length <= 128)
    const summary = receiver.summary(1e6)
    expect(summary?.incompleteFrames).toBeGreaterThanOrEqual(0)
    expect(summary?.frames).toBeLessThan(40_000)
  },
)
