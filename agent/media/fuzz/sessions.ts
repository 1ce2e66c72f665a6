/** Running sessions under hostile packets: two that measure a real stream meanwhile, one of them under SRTP, one whose peer sends nothing else, and some that end soon. It judges nothing. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ManualClock } from '../../../lib/manual-clock.ts'
import { seededRandom } from '../../../lib/random.ts'
import { createMediaEngine } from '../engine.ts'
import type { MediaReport, MediaSession, Source, StartOptions } from '../media.ts'
import { parseCompound } from '../rtcp.ts'
import { createPacket, isRtp, setSsrc, stampPacket } from '../rtp.ts'
import { MOST_OVERHEAD, SrtpReceiver, SrtpSender } from '../srtp/index.ts'
import { masterKey } from '../srtp/packets.fixture.ts'
import { type Port, type Sender, hostilePeer } from './hostile-peer.ts'
import { createMutator } from './mutate.ts'

const PTIME = 20
/** Of the real stream, and of most packets of the corpus: strangers know it. */
const SSRC = 77
/** The sequence numbers of the real stream wrap soon. */
const FIRST = 65_400
/** Octets, and packets of a session, that the buffer of a socket holds for certain. */
const MOST_OCTETS = 70_000
const MOST_PACKETS = 32

/** Not those of the corpus. */
const KEY = masterKey('AES_CM_128_HMAC_SHA1_80', 2)

/** The real stream, as it was sent. */
export interface Truth {
  packets: number
  lost: number
  duplicates: number
}

/** A hostile packet, and how it comes. */
export interface Shot {
  to: MediaSession
  port: Port
  as: Sender
  packet: Buffer
}

export interface Sessions extends AsyncDisposable {
  /** Some hostile packets. */
  shots(): Shot[]
  /** Sends them, and has the real stream go on by a packet; resolves when everything was read. */
  fire(shots: readonly Shot[]): Promise<void>
  /** A session that gets packets before its start and after its end. @returns how many */
  shortLife(): Promise<number>
  /** Ends the real stream with a packet that comes. */
  end(): Promise<Truth>
  /** Of the sessions with the real stream, open and under SRTP, and of the one with a hostile peer. */
  reports(): { measured: MediaReport; sealed: MediaReport; attacked: MediaReport }
  /** How many packets were refused and counted, and how many should have been. */
  counted(): { refused: number; received: number }
  expected(): { refused: number; received: number }
  /** What is held: ports and timers. */
  held(): { ports: number; timers: number }
}

export async function sessions(seed: number, corpus: readonly Buffer[]): Promise<Sessions> {
  await using stack = new AsyncDisposableStack()
  const random = seededRandom(seed)
  const { below, packet: mutated, pick } = createMutator(random, corpus)
  const clock = new ManualClock()
  const media = stack.use(createMediaEngine({ clock, random }))
  const peer = stack.use(await hostilePeer())
  const enemy = stack.use(await hostilePeer())
  const secret = stack.use(await hostilePeer())
  const key = stack.use(new SrtpSender(KEY))
  const expected = { refused: 0, received: 0 }
  const truth: Truth = { packets: 0, lost: 0, duplicates: 0 }
  let number = FIRST
  let lastSealed: Buffer = Buffer.alloc(0)

  const open = async (): Promise<MediaSession> => {
    const outcome = await media.open('127.0.0.1')
    if (outcome.kind !== 'Open') throw new Error(outcome.kind)
    return outcome.session
  }
  const options = (remote: StartOptions['remote'], source: Source): StartOptions => ({
    ...{ remote, source, codec: 'PCMA', payloadType: 8, telephoneEvent: 101, ptime: PTIME },
    jitterBuffer: { mode: source.kind === 'Echo' ? 'Adaptive' : 'Fixed', delay: 60 },
  })
  const [measured, sealed, attacked] = [await open(), await open(), await open()]
  measured.start(options(peer.remote, { kind: 'Echo' }))
  const protection = { sender: new SrtpSender(KEY), receiver: new SrtpReceiver(KEY) }
  sealed.start({ ...options(secret.remote, { kind: 'Tone' }), protection, rtcpMux: true })
  attacked.start({ ...options(enemy.remote, { kind: 'Tone' }), analysis: 'On' })
  const peers = new Map([
    [measured, peer],
    [sealed, secret],
  ])

  const read = async (): Promise<void> => {
    while (media.gauges.refused + media.gauges.packetsReceived < expected.refused + expected.received) await nextTurn()
  }
  const refused = ({ to, as, port, packet }: Shot): boolean =>
    to === sealed || as === 'Stranger' || (port === 'RTP' ? !isRtp(packet) : !parseCompound(packet))
  const shoot = (shot: Shot): void => {
    if (refused(shot)) expected.refused++
    else if (shot.port === 'RTP') expected.received++
    const from = peers.get(shot.to) ?? enemy
    from.send(shot.to, shot.as, shot.port, shot.packet)
  }
  /** RTCP that is taken is not counted: behind it comes what is refused for certain. */
  const shootLast = (to: MediaSession): void => shoot({ to, port: 'RTCP', as: 'Peer', packet: Buffer.of(0x80) })

  /** The next packet of the real stream: most come, some twice. */
  const goOn = (lose: number, double: number): void => {
    const packet = createPacket(8, SSRC, 160)
    stampPacket(packet, false, number & 0xffff, (number * 160) >>> 0)
    number++
    truth.packets++
    const outcome = key.protectRtp(packet, Buffer.alloc(packet.length + MOST_OVERHEAD))
    if (outcome.kind !== 'Ok') throw new Error(outcome.reason)
    lastSealed = outcome.packet
    const copies = random() < lose ? 0 : random() < double ? 2 : 1
    if (copies === 0) truth.lost++
    if (copies === 2) truth.duplicates++
    // Under SRTP a packet that was there before is refused.
    expected.received += copies + Math.min(copies, 1)
    expected.refused += Math.max(0, copies - 1)
    for (let copy = 0; copy < copies; copy++) {
      peer.send(measured, 'Peer', 'RTP', packet)
      secret.send(sealed, 'Peer', 'RTP', lastSealed)
    }
  }

  /** On the address of the real stream another source, each time a new one: two packets of one would be its successor. */
  function aim(packet: Buffer): Shot {
    const port = pick(['RTP', 'RTCP'] as const)
    if (below(3) === 0) return { to: measured, port, as: 'Stranger', packet }
    if (below(3) === 0) return { to: sealed, port, as: 'Peer', packet: below(2) === 0 ? packet : forged() }
    if (below(2) === 0) return { to: attacked, port, as: 'Peer', packet: named(packet) }
    if (port === 'RTP' && packet.length >= 12) setSsrc(packet, 1 + SSRC + below(2 ** 32 - 2 * SSRC))
    return { to: measured, port, as: 'Peer', packet }
  }

  /** The last packet of the real stream under SRTP, with another octet. */
  function forged(): Buffer {
    const packet = Buffer.from(lastSealed)
    const at = below(packet.length)
    packet[at] = (packet[at] ?? 0) ^ (1 + below(255))
    return packet
  }

  /** A report about our stream, and often with an SR of ours in it. */
  function named(packet: Buffer): Buffer {
    const block = packet[1] === 200 ? 28 : 8
    if (!enemy.told || below(2) === 0 || packet.length < block + 24) return packet
    packet.writeUInt32BE(enemy.told.ssrc, block)
    packet.writeUInt32BE(enemy.told.senderReport, block + 16)
    return packet
  }

  // Before anybody has spoken, the first one who does is taken for the peer.
  goOn(0, 0)
  await read()
  const owned = stack.move()
  return {
    shots() {
      const shots: Shot[] = []
      for (let octets = 0; octets < MOST_OCTETS && shots.length < MOST_PACKETS;) {
        const shot = aim(mutated())
        octets += shot.packet.length
        shots.push(shot)
      }
      return shots
    },
    async fire(shots) {
      await clock.advance(PTIME)
      for (const shot of shots) shoot(shot)
      for (const session of [measured, attacked]) shootLast(session)
      goOn(0.05, 0.03)
      await read()
    },
    async shortLife() {
      const session = await open()
      const shots = Array.from({ length: MOST_PACKETS }, () => mutated().subarray(0, MOST_OCTETS / MOST_PACKETS))
      const kept = shots.filter(isRtp).length
      for (const packet of [...shots, Buffer.of(0x80)]) enemy.send(session, 'Peer', 'RTP', packet)
      expected.refused += shots.length + 1 - kept
      await read()
      session.start(options(enemy.remote, { kind: 'Tone' }))
      expected.received += kept
      session.stop()
      for (const packet of shots) enemy.send(session, 'Peer', pick(['RTP', 'RTCP'] as const), packet)
      await session[Symbol.asyncDispose]()
      return 2 * shots.length
    },
    async end() {
      await clock.advance(PTIME)
      goOn(0, 0)
      await read()
      return truth
    },
    reports: () => ({ measured: measured.report(), sealed: sealed.report(), attacked: attacked.report() }),
    counted: () => ({ refused: media.gauges.refused, received: media.gauges.packetsReceived }),
    expected: () => ({ ...expected }),
    held: () => ({ ports: media.gauges.portsUsed, timers: clock.waiting }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
