/** For tests: a sender and a receiver of video on real sockets of the loopback, whose time is the test's; what was sent is recorded. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type Random, seededRandom } from '../../../lib/random.ts'
import { timestamp } from '../rtp.ts'
import type { Clip } from './clip.ts'
import { buildFeedback, parseFeedback } from './feedback.ts'
import { VideoReceiver, type VideoReceiverOptions } from './video-receiver.ts'
import { VideoSender } from './video-sender.ts'

const HOST = '127.0.0.1'
const STEP = 5

/** A frame as it was sent. */
export interface SentFrame {
  timestamp: number
  /** Of its packets when they were first sent. */
  packets: number
  dropped: number
  /** When its last packet was first sent. */
  at: number
}

export interface LinkOptions {
  clip: Clip
  frameRate: number
  repair: VideoReceiverOptions['repair']
  /** Share of the packets that are dropped, those that are sent again too. */
  loss?: number
  seed?: number
}

async function bound() {
  const socket = createSocket('udp4')
  socket.bind(0, HOST)
  await once(socket, 'listening')
  return socket
}

export async function videoLink({ clip, frameRate, repair, loss = 0, seed = 1 }: LinkOptions) {
  const random: Random = seededRandom(seed)
  const [near, far] = [await bound(), await bound()]
  let now = 0
  let underWay = 0
  let settle = () => {}
  const arrived = () => {
    if (--underWay === 0) settle()
  }
  const frames: SentFrame[] = []
  const drops = { count: 0 }
  const record = (octets: Buffer, dropped: boolean) => {
    const last = frames.at(-1)
    if (last?.timestamp !== timestamp(octets)) {
      // Sent again: of an earlier frame.
      if (frames.some((frame) => frame.timestamp === timestamp(octets))) return
      frames.push({ timestamp: timestamp(octets), packets: 0, dropped: 0, at: now })
    }
    const frame = frames.at(-1)
    if (!frame) return
    frame.packets++
    frame.at = now
    if (dropped) frame.dropped++
  }
  const sender = new VideoSender(
    {
      ...{
        clip,
        ssrc: 0x1111,
        payloadType: 96,
        frameRate,
        start: { sequenceNumber: 32_700, timestamp: 2 ** 32 - 50_000 },
      },
      send(octets) {
        const dropped = random() < loss
        record(octets, dropped)
        if (dropped) drops.count++
        else {
          underWay++
          near.send(octets, far.address().port, HOST)
        }
      },
    },
    now,
  )
  const receiver = new VideoReceiver({
    ...{ codec: clip.codec, ssrc: 0x2222, repair },
    send(feedback) {
      underWay++
      far.send(buildFeedback([feedback]), near.address().port, HOST)
    },
  })
  near.on('message', (octets) => {
    for (const feedback of parseFeedback(octets)) sender.receive(feedback, now)
    arrived()
  })
  far.on('message', (octets) => {
    receiver.receive(now, octets)
    arrived()
  })

  return {
    sender,
    receiver,
    frames,
    drops,
    /** Time goes on in steps of 5 ms, each when all that was sent in the one before has arrived. */
    async run(milliseconds: number): Promise<void> {
      for (const end = now + milliseconds; now < end; now += STEP) {
        sender.step(now)
        receiver.step(now)
        if (underWay > 0) await new Promise<void>((resolve) => (settle = resolve))
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([near, far].map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))))
    },
  }
}
