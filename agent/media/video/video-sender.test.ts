import { describe, expect, test } from 'vitest'
import { sequenceNumber, timestamp } from '../rtp.ts'
import { type MasterKey, MOST_OVERHEAD, SrtpReceiver, SrtpSender } from '../srtp/index.ts'
import { Clips } from './clips.ts'
import type { Feedback } from './feedback.ts'
import { VideoSender, type VideoSenderOptions } from './video-sender.ts'

const clip = new Clips().of('H264', 'R1080p')
const SSRC = 7

/** Its packets with the times at which they left. */
function sending(changes: Partial<VideoSenderOptions> = {}) {
  const sent: Array<{ at: number; octets: Buffer }> = []
  let now = 1000
  const start = { sequenceNumber: 0xfffe, timestamp: 0xffff_ff00 }
  const options = { clip, ssrc: SSRC, payloadType: 97, frameRate: 30, start }
  const sender = new VideoSender({ ...options, send: (octets) => sent.push({ at: now, octets }), ...changes }, now)
  return {
    sender,
    sent,
    /** Steps of 1 ms, or one of all. */
    run: (milliseconds: number, step = 1) => {
      for (const end = now + milliseconds; now < end;) {
        now += step
        sender.step(now)
      }
    },
    tell: (feedback: Feedback) => sender.receive(feedback, now),
  }
}

const marked = (octets: Buffer) => (octets.readUInt8(1) & 0x80) !== 0
const pli: Feedback = { type: 'PLI', sender: 1, media: SSRC }

/** Which frames left, of which the clip's key frames are the first and the 31st: numbers of their first packets. */
const keyFrames = (sent: Array<{ octets: Buffer }>) =>
  sent.flatMap(({ octets }, index) => ((octets.readUInt8(12) & 0x1f) === 24 ? [index] : []))

test('a frame leaves at its time, spread over half of it, with one timestamp and a marker at its end', () => {
  const { sent, sender, run } = sending()
  run(990)
  expect(sender.frames).toBe(30)
  const times = [...new Set(sent.map(({ octets }) => timestamp(octets)))]
  expect(times).toEqual(Array.from({ length: 30 }, (_, index) => (0xffff_ff00 + index * 3000) >>> 0))
  const first = sent.filter(({ octets }) => timestamp(octets) === 0xffff_ff00)
  expect(first.length).toBeGreaterThan(5)
  expect(first.map(({ octets }) => marked(octets)).lastIndexOf(false)).toBe(first.length - 2)
  expect(first.at(-1)?.octets).toSatisfy(marked)
  expect(new Set(first.map(({ at }) => at)).size).toBeGreaterThan(5)
  expect(Math.max(...first.map(({ at }) => at))).toBeLessThanOrEqual(1000 + 1000 / 60 + 1)
  expect(sent.map(({ octets }) => sequenceNumber(octets)).slice(0, 4)).toEqual([0xfffe, 0xffff, 0, 1])
})

test('the timestamp of a moment is that of the frame times, however late their packets leave', () => {
  const { sender, run } = sending()
  run(693, 7)
  expect(sender.timestampAt(2000)).toBe((0xffff_ff00 + 90_000) >>> 0)
})

test('after a stop of the process the frames go on from now, not all at once', () => {
  const { sent, sender, run } = sending()
  run(100)
  const before = sender.frames
  run(10_000, 10_000)
  expect(sender.frames).toBe(before + 1)
  const last = sent.at(-1)
  expect(((timestamp(last?.octets ?? Buffer.alloc(12)) - 0xffff_ff00) >>> 0) / 90).toBeCloseTo(10_100, 0)
})

describe('a key frame', () => {
  test('comes next when it is asked for', () => {
    const { sent, run, tell } = sending()
    run(600)
    expect(keyFrames(sent)).toHaveLength(1)
    tell(pli)
    run(40)
    expect(keyFrames(sent)).toHaveLength(2)
  })

  test('comes half a second after the last one at the earliest, also when each second ten are asked for', () => {
    const { sent, sender, run, tell } = sending()
    for (let request = 0; request < 50; request++) {
      tell(pli)
      run(100)
    }
    expect(sender.plisReceived).toBe(50)
    expect(keyFrames(sent).length).toBeGreaterThanOrEqual(8)
    expect(keyFrames(sent).length).toBeLessThanOrEqual(10)
  })

  test('is demanded by a command once, however often that comes', () => {
    const { sent, sender, run, tell } = sending()
    const command = (number: number): Feedback => ({ type: 'FIR', sender: 1, commands: [{ ssrc: SSRC, number }] })
    run(600)
    tell(command(4))
    run(300)
    tell(command(4))
    run(300)
    expect(sender.firsReceived).toBe(1)
    expect(keyFrames(sent)).toHaveLength(2)
    tell(command(5))
    run(40)
    expect(keyFrames(sent)).toHaveLength(3)
  })

  test('is not sent for what is said of another stream', () => {
    const { sent, sender, run, tell } = sending()
    run(600)
    tell({ ...pli, media: 8 })
    tell({ type: 'FIR', sender: 1, commands: [{ ssrc: 8, number: 1 }] })
    tell({ type: 'NACK', sender: 1, media: 8, lost: [0] })
    run(40)
    expect(keyFrames(sent)).toHaveLength(1)
    expect(sender).toMatchObject({ plisReceived: 0, firsReceived: 0, nacksReceived: 0, retransmissions: 0 })
  })
})

describe('a packet that is asked for again', () => {
  const nack = (...lost: number[]): Feedback => ({ type: 'NACK', sender: 1, media: SSRC, lost })

  test('leaves as it was, and once in 10 ms', () => {
    const { sent, sender, run, tell } = sending()
    run(300)
    const before = sent.length
    tell(nack(0, 1))
    tell(nack(1, 2))
    const again = sent.slice(before).map(({ octets }) => octets)
    expect(again).toEqual([2, 3, 4].map((index) => sent[index]?.octets))
    run(20)
    tell(nack(1))
    expect(sender).toMatchObject({ nacksReceived: 5, retransmissions: 4, packets: sent.length })
  })

  test('is forgotten after 128 others', () => {
    const { sent, sender, run, tell } = sending()
    run(10_000)
    expect(sent.length).toBeGreaterThan(300)
    tell(nack(0))
    expect(sender).toMatchObject({ nacksReceived: 1, retransmissions: 0 })
  })

  test('leaves in the same protection under SRTP, where the far side still takes it', () => {
    const key = (): MasterKey => ({ suite: 'AEAD_AES_128_GCM', key: Buffer.alloc(16, 1), salt: Buffer.alloc(12, 2) })
    using protector = new SrtpSender(key())
    using far = new SrtpReceiver(key())
    const { sent, sender, run, tell } = sending({
      start: { sequenceNumber: 0, timestamp: 0 },
      protect(packet) {
        const outcome = protector.protectRtp(packet, Buffer.alloc(packet.length + MOST_OVERHEAD))
        return outcome.kind === 'Ok' ? outcome.packet : undefined
      },
    })
    run(100)
    const before = sent.length
    const lost = sent[1]?.octets ?? Buffer.alloc(0)
    const others = sent.filter(({ octets }) => octets !== lost)
    expect(others.map(({ octets }) => far.unprotectRtp(Buffer.from(octets)).kind)).toEqual(others.map(() => 'Ok'))
    tell(nack(1))
    expect(sent.slice(before).map(({ octets }) => octets)).toEqual([lost])
    expect(far.unprotectRtp(Buffer.from(lost)).kind).toBe('Ok')
    expect(sender.retransmissions).toBe(1)
    const header = 12
    const payloads = sent.map(({ octets }) => octets.length - header - MOST_OVERHEAD)
    expect(sender.payloadOctets).toBe(payloads.reduce((sum, octets) => sum + octets, 0))
  })
})
