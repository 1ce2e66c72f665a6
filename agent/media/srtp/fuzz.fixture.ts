/** Mutated SRTP and SRTCP packets against receivers that know the keys, and what they made of them. A test judges it. */
import { type Random, seededRandom } from '../../../lib/random.ts'
import { MOST_OVERHEAD, type RefusalReason, SrtpReceiver, SrtpSender, suiteNames } from './index.ts'
import { masterKey, rtcpPacket, rtpPacket, withMki } from './packets.fixture.ts'
import type { SuiteName } from './suites.ts'

export interface SrtpFindings {
  packets: number
  /** Exceptions, and packets that were accepted though nobody who has the key made them; with the packet in hexadecimal. */
  bad: string[]
  refused: Map<RefusalReason, number>
}

/** More of them say nothing new. */
const MOST_FINDINGS = 10
/** Whole packets to mutate, of each kind and suite. */
const SEEDS = 20

interface Target {
  suite: SuiteName
  protocol: 'RTP' | 'RTCP'
  genuine: readonly Buffer[]
  receiver: SrtpReceiver
}

/** Half of the keys have an MKI. Of the genuine packets none is received: each change of one must be refused. */
export function fuzzSrtp({ seed, count }: { seed: number; count: number }): SrtpFindings {
  const random = seededRandom(seed)
  const findings: SrtpFindings = { packets: 0, bad: [], refused: new Map() }
  const targets = suiteNames.flatMap((suite) => [
    ...targetsOf(suite, Buffer.alloc(0)),
    ...targetsOf(suite, Buffer.of(0, 9)),
  ])
  while (findings.packets < count && findings.bad.length < MOST_FINDINGS) {
    look(pick(random, targets), random, findings)
    findings.packets++
  }
  return findings
}

function look({ suite, protocol, genuine, receiver }: Target, random: Random, findings: SrtpFindings): void {
  const packet = mutated(random, genuine)
  if (genuine.some((each) => each.equals(packet))) return
  const text = `${suite} ${protocol} ${packet.toString('hex')}`
  try {
    const outcome = protocol === 'RTP' ? receiver.unprotectRtp(packet) : receiver.unprotectRtcp(packet)
    if (outcome.kind === 'Ok') findings.bad.push(`accepted: ${text}`)
    else findings.refused.set(outcome.reason, (findings.refused.get(outcome.reason) ?? 0) + 1)
  } catch (error) {
    findings.bad.push(`${error instanceof Error ? error.stack : String(error)}: ${text}`)
  }
}

function targetsOf(suite: SuiteName, mki: Buffer): Target[] {
  const receiver = new SrtpReceiver(masterKey(suite), mki)
  using sender = new SrtpSender(masterKey(suite))
  const rtp: Buffer[] = []
  const rtcp: Buffer[] = []
  for (let index = 0; index < SEEDS; index++) {
    const packet = rtpPacket(7, (65_530 + index) % 65_536, 20 * (index % 9))
    const sealed = sender.protectRtp(packet, Buffer.alloc(packet.length + MOST_OVERHEAD))
    if (sealed.kind === 'Ok') rtp.push(withMki(sealed.packet, suite, 'RTP', mki))
    const report = sender.protectRtcp(rtcpPacket(7))
    if (report.kind === 'Ok') rtcp.push(withMki(report.packet, suite, 'RTCP', mki))
  }
  return [
    { suite, protocol: 'RTP', genuine: rtp, receiver },
    { suite, protocol: 'RTCP', genuine: rtcp, receiver },
  ]
}

/** A genuine packet with one to three changes, or octets that nobody made. */
function mutated(random: Random, genuine: readonly Buffer[]): Buffer {
  if (below(random, 20) === 0) return octets(random, below(random, 300))
  let packet: Buffer = Buffer.from(pick(random, genuine))
  for (let left = 1 + below(random, 3); left > 0; left--) packet = pick(random, changes)(packet, random, genuine)
  return packet
}

type Change = (packet: Buffer, random: Random, genuine: readonly Buffer[]) => Buffer

const changes: readonly Change[] = [
  (packet, random) => written(packet, below(random, packet.length + 1), octets(random, 1)),
  (packet, random) => written(packet, below(random, packet.length + 1), octets(random, 4)),
  (packet, random) => written(packet, 0, octets(random, 2)),
  (packet, random) => written(packet, 2, octets(random, 2)),
  (packet, random) => written(packet, 8, octets(random, 4)),
  // CSRCs and an extension that are not there.
  (packet, random) => written(packet, 0, Buffer.of(0x80 | below(random, 32))),
  // The tail: tag, MKI, index.
  (packet, random) => written(packet, Math.max(0, packet.length - 1 - below(random, 24)), octets(random, 2)),
  (packet, random) => packet.subarray(0, below(random, packet.length + 1)),
  (packet, random) => Buffer.concat([packet, octets(random, 1 + below(random, 40))]),
  (packet, random, genuine) => {
    const other = pick(random, genuine)
    return Buffer.concat([
      packet.subarray(0, below(random, packet.length + 1)),
      other.subarray(below(random, other.length + 1)),
    ])
  },
]

function written(packet: Buffer, at: number, change: Buffer): Buffer {
  change.copy(packet, at, 0, Math.max(0, Math.min(change.length, packet.length - at)))
  return packet
}

function octets(random: Random, length: number): Buffer {
  const made = Buffer.alloc(length)
  for (let index = 0; index < length; index++) made[index] = below(random, 256)
  return made
}

function below(random: Random, limit: number): number {
  return Math.floor(random() * limit)
}

function pick<Value>(random: Random, from: readonly Value[]): Value {
  const value = from[below(random, from.length)]
  if (value === undefined) throw new Error('there is nothing to pick from')
  return value
}
