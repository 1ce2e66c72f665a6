/** Calls between engines on the loopback, through the door: what is measured of them, and ports that are given back. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/random.ts'
import { G711_WITH_PLC, InterarrivalJitter, mosOfR, pathRating } from '../quality/index.ts'
import { createMediaEngine } from './index.ts'
import type { EchoedPacket, Source } from './index.ts'
import { HOST, engine, open, options, until } from './loopback.ts'

/** Milliseconds: more than a busy machine adds, and less than a wrong unit would. */
const BUSY = 300

describe.concurrent('a call of three seconds', () => {
  test.each([
    [HOST, 'Tone'],
    ['::1', 'Speech'],
  ] as const)('over %s with %s: nothing lost, round trip measured, MOS of the delay alone', async (host, kind) => {
    await using one = engine(1)
    using pacing = one.watchPacing()
    await using other = engine(2)
    const caller = await open(one, host)
    const callee = await open(other, host)
    callee.start(options(caller, { kind }, host))
    caller.start(options(callee, { kind }, host))
    for (let second = 1; second <= 3; second++) {
      await until(() => caller.report().packetsReceived >= second * 50)
      const { mos, jitter, packetLoss, packetRateReceived } = caller.sample()
      expect(mos).toBeGreaterThan(1)
      expect(jitter).toBeLessThan(BUSY)
      expect(packetLoss).toBe(0)
      expect(packetRateReceived).toBeGreaterThan(25)
    }
    const { metrics, mosBasis, packetsSent, remoteProgress } = caller.report()
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
    expect(caller.lastReceivedAt).toBeLessThanOrEqual(systemClock.monotonic())
    expect(metrics.rtt).toBeLessThan(BUSY)
    expect(metrics.rtcpInterval).toBeLessThan(1300)
    expect(metrics.remotePacketLoss).toBe(0)
    expect(remoteProgress).toBeGreaterThan(0)
    const delay = 20 + 60 + (metrics.rtt ?? NaN) / 2
    expect(metrics.oneWayDelay).toBeCloseTo(delay, 9)
    // What a busy machine delivered too late for the buffer lowers it; nothing raises it.
    const ideal = mosOfR(pathRating({ equipment: G711_WITH_PLC, delay, loss: 0, burstRatio: 1 }).r)
    expect(metrics.mos).toBeLessThanOrEqual(ideal + 1e-9)
    const least = metrics.discardRate === 0 ? 4.2 : 1
    expect(metrics.mos).toBeGreaterThan(least)
    expect(metrics.mosLow).toBeGreaterThan(Math.min(least, 4))
    expect(mosBasis).toEqual({
      model: 'G.107',
      codec: 'PCMA with packet loss concealment: Ie 0, Bpl 25.1 (G.113 Appendix I)',
      jitterBuffer: 'fixed, 60 ms',
      delayBasis: 'rtt/2 + jitter buffer + packetization',
    })
    expect(one.gauges.packetsReceived).toBe(caller.report().packetsReceived)
    // How late is the machine's matter; that packets were watched is not.
    expect(pacing.p99()).toBeDefined()
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
    expect(Math.abs((metrics.jitter ?? NaN) - (jitter.average ?? NaN))).toBeLessThan(10)
    expect(metrics.rtt).toBeLessThan(BUSY)
    expect(callee.report().metrics).toMatchObject({ packetsLost: 0 })
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
