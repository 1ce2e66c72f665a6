/** Media sessions on real sockets of the loopback, through the door: what is sent, what is measured, what is given back. */
import { type Socket, createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/random.ts'
import { InterarrivalJitter, G711_WITH_PLC, mosOfR, pathRating } from '../quality/index.ts'
import { createMediaEngine } from './index.ts'
import type { EchoedPacket, MediaEngine, MediaSession, Source, StartOptions } from './index.ts'
import { buildCompound, parseCompound } from './rtcp.ts'
import { createPacket, payloadType, sequenceNumber, ssrc, stampPacket, timestamp } from './rtp.ts'

const HOST = '127.0.0.1'
const FIXED = { mode: 'Fixed', delay: 60 } as const

/** Resolves once the condition holds; the test's own time limit ends a wait for nothing. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
}

function engine(seed = 1): MediaEngine {
  return createMediaEngine({ clock: systemClock, random: seededRandom(seed) })
}

async function open(media: MediaEngine, host = HOST): Promise<MediaSession> {
  const outcome = await media.open(host)
  if (outcome.kind !== 'Open') throw new Error(outcome.kind)
  return outcome.session
}

function options(remote: MediaSession, source: Source, host = HOST): StartOptions {
  const address = { host, rtpPort: remote.rtpPort, rtcpPort: remote.rtcpPort }
  return { remote: address, codec: 'PCMA', payloadType: 8, ptime: 20, source, jitterBuffer: FIXED }
}

/** A peer that is only a pair of sockets: what it gets is kept. */
async function rawPeer() {
  const sockets: Socket[] = [createSocket('udp4'), createSocket('udp4')]
  const got: Buffer[][] = [[], []]
  for (const [index, socket] of sockets.entries()) {
    socket.on('message', (message) => got[index]?.push(message))
    socket.bind(0, HOST)
    await once(socket, 'listening')
  }
  const [rtp, rtcp] = sockets
  if (!rtp || !rtcp) throw new Error('no sockets')
  return {
    rtp,
    rtcp,
    got: got[0] ?? [],
    gotRtcp: got[1] ?? [],
    address: { host: HOST, rtpPort: rtp.address().port, rtcpPort: rtcp.address().port },
    async [Symbol.asyncDispose]() {
      await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))))
    },
  }
}

function packet(number: number, source = 77, type = 8): Buffer {
  const octets = createPacket(type, source, 160)
  stampPacket(octets, number === 0, number & 0xffff, number * 160)
  return octets
}

describe.concurrent('a call of three seconds', () => {
  test.each([
    [HOST, 'Tone'],
    ['::1', 'Speech'],
  ] as const)('over %s with %s: nothing lost, round trip measured, MOS of the delay alone', async (host, kind) => {
    await using one = engine(1)
    await using other = engine(2)
    const caller = await open(one, host)
    const callee = await open(other, host)
    callee.start(options(caller, { kind }, host))
    caller.start(options(callee, { kind }, host))
    for (let second = 1; second <= 3; second++) {
      await until(() => caller.report().packetsReceived >= second * 50)
      const { mos, jitter, packetLoss, packetRateReceived } = caller.sample()
      expect(mos).toBeGreaterThan(4)
      expect(jitter).toBeLessThan(20)
      expect(packetLoss).toBe(0)
      expect(packetRateReceived).toBeGreaterThan(25)
    }
    const { metrics, mosBasis, packetsSent, remoteProgress, lastReceivedAt } = caller.report()
    expect(metrics).toMatchObject({
      packetsLost: 0,
      packetLoss: 0,
      duplicates: 0,
      outOfOrder: 0,
      longestLossRun: 0,
      ssrcSwitches: 0,
      target: 60,
    })
    expect(packetsSent).toBeGreaterThanOrEqual(140)
    expect(metrics.bytesSent).toBe(packetsSent * 172)
    expect(lastReceivedAt).toBeLessThanOrEqual(systemClock.monotonic())
    expect(metrics.rtt).toBeLessThan(20)
    expect(metrics.rtcpInterval).toBeLessThan(1300)
    expect(metrics.remotePacketLoss).toBe(0)
    expect(remoteProgress).toBeGreaterThan(0)
    const delay = 20 + 60 + (metrics.rtt ?? NaN) / 2
    expect(metrics.oneWayDelay).toBeCloseTo(delay, 9)
    // What a busy machine delivered too late for the buffer lowers it; nothing raises it.
    const ideal = mosOfR(pathRating({ equipment: G711_WITH_PLC, delay, loss: 0, burstRatio: 1 }).r)
    expect(metrics.mos).toBeLessThanOrEqual(ideal + 1e-9)
    expect(metrics.mos).toBeGreaterThan(4.2)
    expect(metrics.mosLow).toBeGreaterThan(4)
    expect(mosBasis).toEqual({
      model: 'G.107',
      codec: 'PCMA with packet loss concealment: Ie 0, Bpl 25.1 (G.113 Appendix I)',
      jitterBuffer: 'fixed, 60 ms',
      delayBasis: 'rtt/2 + jitter buffer + packetization',
    })
    expect(one.gauges.packetsReceived).toBe(caller.report().packetsReceived)
    expect(one.pacingLateness()).toBeLessThan(50)
  })

  test('with an echo that drops by a seeded choice: loss equals what it dropped, jitter what it sent', async () => {
    await using one = engine(3)
    await using other = engine(4)
    const caller = await open(one)
    const callee = await open(other)
    const choice = seededRandom(5)
    const sent: Array<{ packet: EchoedPacket; at: number }> = []
    let asked = 0
    const echo: Source = {
      kind: 'Echo',
      forward: () => asked++ === 0 || choice() >= 0.1,
      sent: (echoed, at) => sent.push({ packet: echoed, at }),
    }
    callee.start({ ...options(caller, echo), codec: 'PCMU' })
    caller.start(options(callee, { kind: 'Speech' }))
    await until(() => caller.report().packetsSent >= 150)
    const before = caller.report().packetsReceived
    callee.stop()
    await until(() => caller.report().packetsReceived === sent.length)
    const { metrics } = caller.report()

    const first = sent[0]?.packet.sequenceNumber ?? NaN
    const numbers = sent.map(({ packet: echoed }) => (echoed.sequenceNumber - first + 0x1_0000) & 0xffff)
    const expected = (numbers.at(-1) ?? NaN) + 1
    expect(expected).toBeGreaterThanOrEqual(149)
    expect(metrics.packetsLost).toBe(expected - sent.length)
    expect(metrics.packetLoss).toBeCloseTo((100 * (expected - sent.length)) / expected, 9)
    expect(metrics.packetsLost).toBeGreaterThan(3)
    expect(before).toBeLessThanOrEqual(sent.length)

    const jitter = new InterarrivalJitter(8000)
    for (const { packet: echoed, at } of sent) jitter.add(at, echoed.timestamp)
    expect(Math.abs((metrics.jitter ?? NaN) - (jitter.average ?? NaN))).toBeLessThan(0.5)
    expect(metrics.rtt).toBeLessThan(20)
    expect(callee.report().metrics).toMatchObject({ packetsLost: 0 })
  })
})

describe('what is sent', () => {
  test('is the source in packets of the ptime, numbered without a gap, with reports beside it and BYE at the end', async () => {
    await using peer = await rawPeer()
    await using media = engine(7)
    const session = await open(media)
    session.start({
      remote: peer.address,
      codec: 'PCMU',
      payloadType: 0,
      ptime: 10,
      source: { kind: 'Tone' },
      jitterBuffer: FIXED,
    })
    peer.rtp.send(packet(0, 77, 0), session.rtpPort, HOST)
    await until(() => peer.got.length >= 70 && peer.gotRtcp.length >= 1)
    session.stop()
    const count = session.report().packetsSent
    await until(() => peer.got.length === count)
    const start = peer.got[0] ?? Buffer.alloc(0)
    for (const [index, message] of peer.got.entries()) {
      expect(message.length).toBe(92)
      expect([payloadType(message), ssrc(message)]).toEqual([0, ssrc(start)])
      expect((sequenceNumber(message) - sequenceNumber(start)) & 0xffff).toBe(index)
      expect((timestamp(message) - timestamp(start)) >>> 0).toBe(index * 80)
      expect((message[1] ?? 0) >> 7).toBe(index === 0 ? 1 : 0)
    }
    const isGoodbye = () => parseCompound(peer.gotRtcp.at(-1) ?? Buffer.alloc(0))?.at(-1)?.type === 'BYE'
    await until(isGoodbye)
    const [report, description] = parseCompound(peer.gotRtcp[0] ?? Buffer.alloc(0)) ?? []
    expect(report).toMatchObject({ type: 'SR', ssrc: ssrc(start), reports: [] })
    expect(description).toMatchObject({ type: 'SDES', chunks: [{ ssrc: ssrc(start), items: [{ type: 1 }] }] })
  })

  test('goes to where the peer’s packets come from', async () => {
    await using signalled = await rawPeer()
    await using real = await rawPeer()
    await using media = engine()
    const session = await open(media)
    session.start({ ...options(session, { kind: 'Silence' }), remote: signalled.address })
    await until(() => signalled.got.length > 0)
    real.rtp.send(packet(1, 77, 99), session.rtpPort, HOST)
    real.rtp.send(Buffer.from('not RTP'), session.rtpPort, HOST)
    real.rtp.send(packet(1), session.rtpPort, HOST)
    real.rtp.send(packet(2), session.rtpPort, HOST)
    real.rtcp.send(buildCompound([{ type: 'RR', ssrc: 77, reports: [] }]), session.rtcpPort, HOST)
    await until(() => real.got.length >= 3 && real.gotRtcp.length >= 1)
    signalled.rtcp.send(Buffer.from('noise'), session.rtcpPort, HOST)
    expect(session.report().packetsReceived).toBe(2)
    const heard = signalled.got.length
    await until(() => real.got.length >= 6)
    expect(signalled.got.length).toBe(heard)
  })
})

describe('an echo', () => {
  test('keeps number, time, marker and payload, has its own SSRC, and sends a dropped packet only when it was the last', async () => {
    await using peer = await rawPeer()
    await using media = engine()
    const session = await open(media)
    const dropped = new Set([2, 3, 5])
    const stamps: number[] = []
    session.start({
      ...options(session, {
        kind: 'Echo',
        forward: ({ sequenceNumber: number }) => !dropped.has(number),
        sent: ({ receivedAt }, at) => stamps.push(at - receivedAt),
      }),
      remote: peer.address,
    })
    const sent = [0, 1, 2, 3, 4, 5].map((number) => packet(number))
    for (const message of sent) peer.rtp.send(message, session.rtpPort, HOST)
    await until(() => session.report().packetsReceived === 6)
    await until(() => peer.got.length === 3)
    session.stop()
    await until(() => peer.got.length === 4)
    expect(peer.got.map(sequenceNumber)).toEqual([0, 1, 4, 5])
    const own = new Set(peer.got.map(ssrc))
    expect(own.size).toBe(1)
    expect(own.has(77)).toBe(false)
    for (const message of peer.got) {
      const original = sent[sequenceNumber(message)] ?? Buffer.alloc(0)
      expect(message.subarray(0, 8)).toEqual(original.subarray(0, 8))
      expect(message.subarray(12)).toEqual(original.subarray(12))
    }
    expect(stamps).toHaveLength(4)
    expect(Math.min(...stamps)).toBeGreaterThanOrEqual(0)
    expect(session.report().packetsSent).toBe(4)
  })

  test('of our own SSRC is measured like any stream', async () => {
    await using peer = await rawPeer()
    peer.rtp.on('message', (message, source) => peer.rtp.send(message, source.port, source.address))
    await using media = engine()
    const session = await open(media)
    session.start({ ...options(session, { kind: 'Tone' }), remote: peer.address })
    await until(() => session.report().packetsReceived >= 10)
    const { metrics, mosBasis } = session.report()
    expect(metrics).toMatchObject({ packetsLost: 0, packetLoss: 0, ssrcSwitches: 0 })
    expect(metrics.rtt).toBeUndefined()
    expect(metrics.oneWayDelay).toBeUndefined()
    expect(mosBasis?.delayBasis).toBe('jitter buffer + packetization, no round-trip time')
  })
})

describe('what is received', () => {
  test('before the start is measured once the payload type is known', async () => {
    await using peer = await rawPeer()
    await using media = engine()
    const session = await open(media)
    for (const number of [10, 11, 13]) peer.rtp.send(packet(number), session.rtpPort, HOST)
    peer.rtp.send(packet(500, 99, 0), session.rtpPort, HOST)
    // The sockets keep the order: the echo of a session that has started shows that all of it was received.
    await using marker = await open(media)
    marker.start({ ...options(marker, { kind: 'Echo' }), remote: peer.address })
    peer.rtp.send(packet(1), marker.rtpPort, HOST)
    await until(() => peer.got.length === 1)
    expect(session.report()).toEqual({ metrics: {}, packetsSent: 0, packetsReceived: 0 })
    expect(session.sample()).toEqual({})
    session.start({ ...options(session, { kind: 'Silence' }), remote: peer.address })
    const { metrics, packetsReceived } = session.report()
    expect(metrics).toMatchObject({ packetsLost: 1, longestLossRun: 1, ssrcSwitches: 0 })
    expect(packetsReceived).toBe(4)
  })

  test('nothing leaves everything about it absent', async () => {
    await using peer = await rawPeer()
    await using media = engine()
    const session = await open(media)
    session.start({ ...options(session, { kind: 'Silence' }), remote: peer.address })
    await until(() => peer.got.length >= 3)
    const { metrics, mosBasis, packetsReceived, lastReceivedAt, remoteProgress } = session.report()
    expect(metrics).toMatchObject({ packetsReceived: 0, bytesReceived: 0 })
    for (const key of ['mos', 'rFactor', 'jitter', 'packetLoss', 'rtt', 'mosLow'] as const)
      expect(metrics[key]).toBeUndefined()
    expect([mosBasis, packetsReceived, lastReceivedAt, remoteProgress]).toEqual([undefined, 0, undefined, undefined])
    expect(session.sample().mos).toBeUndefined()
  })

  test('as garbage on both ports changes nothing', async () => {
    await using peer = await rawPeer()
    await using media = engine()
    const session = await open(media)
    session.start({ ...options(session, { kind: 'Silence' }), remote: peer.address })
    const random = seededRandom(11)
    for (let index = 0; index < 500; index++) {
      const noise = Buffer.from(Uint8Array.from({ length: Math.floor(random() * 80) }, () => random() * 256))
      if (noise.length > 0 && index % 2 === 0) noise[0] = 0x80 | ((noise[0] ?? 0) & 0x3f)
      peer.rtp.send(noise, session.rtpPort, HOST)
      peer.rtcp.send(noise, session.rtcpPort, HOST)
      if (index % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    const before = peer.got.length
    await until(() => peer.got.length > before + 2)
    expect(() => session.report()).not.toThrow()
    expect(session.report().metrics.mos ?? 1).toBeGreaterThanOrEqual(1)
  })
})

describe('ports', () => {
  test('are free again after the session, also when its user failed', async () => {
    await using media = engine()
    let port = 0
    const call = async () => {
      await using session = await open(media)
      port = session.rtpPort
      session.start(options(session, { kind: 'Tone' }))
      expect(media.gauges.portsUsed).toBe(2)
      throw new Error('the call failed')
    }
    await expect(call()).rejects.toThrow('the call failed')
    expect(media.gauges.portsUsed).toBe(0)
    const socket = createSocket('udp4')
    socket.bind(port, HOST)
    await once(socket, 'listening')
    socket.close()
  })

  test('that are exhausted are said so with their range, and an engine that ends frees all', async () => {
    await using probe = engine()
    const free = await open(probe)
    const first = free.rtpPort
    await free[Symbol.asyncDispose]()
    const media = createMediaEngine({ clock: systemClock, random: seededRandom(1), ports: { first, last: first + 1 } })
    const session = await open(media)
    expect(await media.open(HOST)).toEqual({ kind: 'PortsExhausted', range: `${first}-${first + 1}` })
    expect(media.gauges).toMatchObject({ portsUsed: 2, portsFree: 0 })
    session.start(options(session, { kind: 'Tone' }))
    await media[Symbol.asyncDispose]()
    expect(media.gauges).toMatchObject({ portsUsed: 0, portsFree: 2 })
    await session[Symbol.asyncDispose]()
  })
})

test('a session starts once, with a packet time that can be paced', async () => {
  await using media = engine()
  const session = await open(media)
  expect(() => session.start({ ...options(session, { kind: 'Tone' }), ptime: 0 })).toThrow(RangeError)
  expect(() => session.start({ ...options(session, { kind: 'Tone' }), ptime: 1000 })).toThrow(
    'ptime must be 1 to 200 ms',
  )
  session.start(options(session, { kind: 'Tone' }))
  expect(() => session.start(options(session, { kind: 'Tone' }))).toThrow('starts once')
  session.stop()
  session.stop()
})
