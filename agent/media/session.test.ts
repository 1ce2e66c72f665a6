/** One session against a bare peer on the loopback: packet for packet what leaves, what is answered, what is counted. */
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/random.ts'
import { FIXED, HOST, engine, open, options, packet, rawPeer, until } from './loopback.ts'
import { compactNtp } from './ntp.ts'
import { buildCompound, parseCompound } from './rtcp.ts'
import { payloadType, sequenceNumber, ssrc, timestamp } from './rtp.ts'

describe.concurrent('what is sent', () => {
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

describe.concurrent('reports', () => {
  test('the round trip comes from a report that names an SR of ours, and from no other', async () => {
    await using peer = await rawPeer()
    await using media = engine(9)
    const session = await open(media)
    const started = systemClock.monotonic()
    session.start({ ...options(session, { kind: 'Tone' }), remote: peer.address })
    await until(() => peer.gotRtcp.length > 0)
    const [report] = parseCompound(peer.gotRtcp[0] ?? Buffer.alloc(0)) ?? []
    if (report?.type !== 'SR') throw new Error('no SR')
    const lastSenderReport = compactNtp(report.ntp)
    const block = {
      fractionLost: 0,
      cumulativeLost: 3,
      extendedHighest: 70_000,
      jitter: 16,
      delaySinceLastSenderReport: 0,
    }
    const answer = (from: number, about: number, lsr: number) =>
      peer.rtcp.send(
        buildCompound([{ type: 'RR', ssrc: from, reports: [{ ...block, ssrc: about, lastSenderReport: lsr }] }]),
        session.rtcpPort,
        HOST,
      )
    const held = systemClock.monotonic()
    answer(77, report.ssrc, 0)
    answer(77, report.ssrc, (lastSenderReport + 1000) >>> 0)
    answer(77, 1234, lastSenderReport)
    answer(report.ssrc, report.ssrc, lastSenderReport)
    await until(() => session.report().remoteProgress === 70_000 && systemClock.monotonic() - held >= 50)
    expect(session.report().metrics.rtt).toBeUndefined()
    expect(session.report().metrics.remoteJitter).toBe(2)
    answer(77, report.ssrc, lastSenderReport)
    await until(() => session.report().metrics.rtt !== undefined)
    const { rtt } = session.report().metrics
    expect(rtt).toBeGreaterThanOrEqual(50)
    expect(rtt).toBeLessThan(systemClock.monotonic() - started)
  })

  test('ours tell the peer what RFC 3550 computes of its stream, and when its SR came', async () => {
    await using peer = await rawPeer()
    await using media = engine(10)
    const session = await open(media)
    session.start({ ...options(session, { kind: 'Echo' }), remote: peer.address })
    const ntp = { seconds: 0x1234_b705, fraction: 0x2000_0000 }
    for (const number of [65_534, 65_535, 65_536, 65_538]) peer.rtp.send(packet(number), session.rtpPort, HOST)
    const report = { type: 'SR', ssrc: 77, ntp, rtpTimestamp: 0, packetCount: 4, octetCount: 640, reports: [] } as const
    peer.rtcp.send(buildCompound([{ ...report, reports: [] }]), session.rtcpPort, HOST)
    await until(() => peer.gotRtcp.length > 0)
    const [answer] = parseCompound(peer.gotRtcp[0] ?? Buffer.alloc(0)) ?? []
    expect(answer).toMatchObject({
      type: 'SR',
      packetCount: 4,
      octetCount: 640,
      // The first packet is probation (RFC 3550 A.1).
      reports: [
        { ssrc: 77, cumulativeLost: 1, fractionLost: 64, extendedHighest: 65_538, lastSenderReport: 0xb705_2000 },
      ],
    })
    const delay = answer?.type === 'SR' ? (answer.reports[0]?.delaySinceLastSenderReport ?? 0) : 0
    expect(delay).toBeGreaterThan(0.15 * 65_536)
    expect(delay).toBeLessThan(2 * 65_536)
  })
})

test('what is sent is whole also when the process stood still and many packets leave at once', async () => {
  await using peer = await rawPeer()
  await using media = engine(8)
  using pacing = media.watchPacing()
  const session = await open(media)
  session.start({ ...options(session, { kind: 'Speech' }), remote: peer.address })
  await until(() => peer.got.length >= 2)
  const end = systemClock.monotonic() + 400
  while (systemClock.monotonic() < end);
  await until(() => peer.got.length >= 22)
  const numbers = peer.got.map((message) => (sequenceNumber(message) - sequenceNumber(peer.got[0] ?? message)) & 0xffff)
  expect(numbers).toEqual(numbers.map((_, index) => index))
  expect(new Set(peer.got.map((message) => message.toString('latin1', 12))).size).toBeGreaterThan(numbers.length / 2)
  expect(media.gauges.sendErrors).toBe(0)
  expect(pacing.p99()).toBeGreaterThan(300)
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
    const { metrics, mosBasis, packetsReceived, remoteProgress } = session.report()
    expect(metrics).toMatchObject({ packetsReceived: 0, bytesReceived: 0 })
    for (const key of ['mos', 'rFactor', 'jitter', 'packetLoss', 'rtt', 'mosLow'] as const)
      expect(metrics[key]).toBeUndefined()
    expect([mosBasis, packetsReceived, session.lastReceivedAt, remoteProgress]).toEqual([
      undefined,
      0,
      undefined,
      undefined,
    ])
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
    expect(media.gauges.refused).toBeGreaterThan(500)
    expect(media.gauges.sendErrors).toBe(0)
  })
})

test('a session starts once, with a packet time that can be paced', async () => {
  await using media = engine()
  const session = await open(media)
  expect(() => session.start({ ...options(session, { kind: 'Tone' }), ptime: 0 })).toThrow(RangeError)
  expect(() => session.start({ ...options(session, { kind: 'Tone' }), ptime: 1000 })).toThrow(
    'PCMA has no packets of 1000 ms',
  )
  session.start(options(session, { kind: 'Tone' }))
  expect(() => session.start(options(session, { kind: 'Tone' }))).toThrow('starts once')
  session.stop()
  session.stop()
})
