/** The figures of a received stream against `tshark -z rtp,streams`, on captures whose loss, duplicates, order and jitter are made here. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createPacket, stampPacket } from '../../agent/media/rtp.ts'
import { ReceiveStatistics } from '../../agent/quality/index.ts'
import { seededRandom } from '../../lib/random.ts'
import { shows } from '../lab/features.ts'
import { temporaryFolder } from '../lab/process.ts'
import { type RtpStream, rtpStreams } from '../lab/tshark.ts'
import { udpPcap } from '../lab/udp-pcap.ts'

const PORT = 4002
const OPTIONS = { clockRate: 8000, jitterBuffer: { mode: 'Fixed', delay: 60 } } as const
/** tshark prints milliseconds with three digits. */
const ROUNDING = 0.00051

/** Shares of 0 to 1, and milliseconds of jitter. */
interface Harm {
  loss?: number
  duplicates?: number
  reorder?: number
  jitter?: number
}

interface Arrival {
  at: number
  ssrc: number
  number: number
}

/** Packets at either end of a stream that nothing is done to: out of order there, tshark counts to the last that came, we to the highest. */
const EDGE = 5

/** 20 ms packets across the wrap of the sequence numbers, in their order of arrival. */
function arrivals(seed: number, wanted: Harm, { ssrc = 77, count = 600, from = 0 } = {}): Arrival[] {
  const random = seededRandom(seed)
  const packets = Array.from({ length: count }, (_, number) => number).flatMap((number) => {
    const harm = number < EDGE || number >= count - EDGE ? {} : wanted
    if (random() < (harm.loss ?? 0)) return []
    const late = random() < (harm.reorder ?? 0) ? 50 : 0
    const at = from + number * 20 + random() ** 2 * (harm.jitter ?? 0) + late
    const first = { at, ssrc, number: 65_300 + number }
    return random() < (harm.duplicates ?? 0) ? [first, { ...first, at: at + 3 }] : [first]
  })
  return packets.toSorted((one, other) => one.at - other.at)
}

function captured(packets: readonly Arrival[]): Promise<RtpStream[]> {
  return withFolder(async (folder) => {
    const path = join(folder, 'rtp.pcap')
    const datagrams = packets.map(({ at, ssrc, number }) => {
      const payload = createPacket(8, ssrc, 160)
      stampPacket(payload, false, number & 0xffff, number * 160)
      return { at, sourcePort: 4000, destinationPort: PORT, payload }
    })
    writeFileSync(path, udpPcap(datagrams))
    return rtpStreams(path, PORT)
  })
}

async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  using folder = temporaryFolder('rtp-streams')
  return await use(folder.path)
}

/** Our figures from the same stamps, with the largest J that there was. */
function measured(packets: readonly Arrival[]) {
  const statistics = new ReceiveStatistics(OPTIONS)
  let maxJitter = 0
  for (const { at, ssrc, number } of packets) {
    statistics.receive(at, { ssrc, sequenceNumber: number & 0xffff, timestamp: number * 160, timed: true })
    maxJitter = Math.max(maxJitter, statistics.summary().finalJitter ?? 0)
  }
  return { ...statistics.summary(), maxJitter }
}

function expectEqual(stream: RtpStream | undefined, packets: readonly Arrival[]): void {
  const ours = measured(packets)
  // tshark takes every packet for one that was expected: duplicates hide loss there, and never here.
  expect(stream).toMatchObject({ packets: ours.packets, lost: ours.lost - ours.duplicates })
  const pairs = [
    [stream?.jitter.mean, ours.jitter],
    [stream?.jitter.max, ours.maxJitter],
    [stream?.delta.min, ours.interarrival?.min],
    [stream?.delta.max, ours.interarrival?.max],
    [stream?.delta.mean, ours.duration / (ours.packets - 1)],
  ]
  for (const [theirs = NaN, own = NaN] of pairs) expect(Math.abs(theirs - own)).toBeLessThan(ROUNDING)
}

describe('one stream', () => {
  test.each<[string, Harm]>([
    ['as it was sent', {}],
    ['with jitter', { jitter: 12 }],
    ['with loss', { loss: 0.05, jitter: 12 }],
    ['with duplicates', { duplicates: 0.05, jitter: 12 }],
    ['out of order', { reorder: 0.05, jitter: 12 }],
    ['with all of it', { loss: 0.1, duplicates: 0.05, reorder: 0.05, jitter: 30 }],
  ])('%s', shows({ tshark: ['exact-loss', 'jitter', 'interarrival', 'sequence-wrap'] }), async (_name, harm) => {
    for (const seed of [1, 2, 3]) {
      const packets = arrivals(seed, harm)
      const [stream, ...others] = await captured(packets)
      expect(others).toEqual([])
      expectEqual(stream, packets)
    }
  })

  test('loss is what was left out, whatever was doubled', () => {
    const ours = measured(arrivals(4, { loss: 0.1, duplicates: 0.2, reorder: 0.1 }))
    const numbers = new Set(arrivals(4, { loss: 0.1, duplicates: 0.2, reorder: 0.1 }).map(({ number }) => number))
    expect(ours.lost).toBe(Math.max(...numbers) - Math.min(...numbers) + 1 - numbers.size)
  })
})

const SWITCH = shows({ tshark: ['ssrc-change'] })

/** tshark shows a row for each SSRC; a call has one stream that goes on. */
test('a sender that goes on with another SSRC: our totals are the sums of its rows', SWITCH, async () => {
  const harm = { loss: 0.05, jitter: 12 }
  const first = arrivals(5, harm, { ssrc: 77 })
  const second = arrivals(6, harm, { ssrc: 78, from: 12_100 })
  const streams = await captured([...first, ...second])
  streams.sort((one, other) => one.ssrc - other.ssrc)
  expect(streams.map(({ ssrc }) => ssrc)).toEqual([77, 78])
  const ours = measured([...first, ...second])
  expect(ours).toMatchObject({ ssrcSwitches: 1, duplicates: 0 })
  expect(ours.packets).toBe(streams.reduce((sum, { packets }) => sum + packets, 0))
  expect(ours.lost).toBe(streams.reduce((sum, { lost }) => sum + lost, 0))
})
