/** From counted packets to metrics: every figure of a call whose packets are known. */
import { describe, expect, test } from 'vitest'
import { G711_WITH_PLC, ReceiveStatistics, mosOfR, pathRating } from '../quality/index.ts'
import { CODECS } from './codec/codecs.ts'
import { Measurements } from './measurements.ts'
import type { StartOptions } from './media.ts'
import type { RemoteView } from './rtcp-view.ts'

const PCMU = { codec: 'PCMU', ptime: 20, jitterBuffer: { mode: 'Adaptive', delay: 40 } } as const

/** A call whose packets arrive on time, but for those lost. */
function call(view: Partial<RemoteView> = {}, start: Pick<StartOptions, 'codec' | 'ptime' | 'jitterBuffer'> = PCMU) {
  const units = CODECS[start.codec].clockRate / 50
  const statistics = new ReceiveStatistics({ clockRate: 50 * units, jitterBuffer: start.jitterBuffer })
  const received = { packets: 0, octets: 0, audio: { packets: 0, octets: 0 } }
  const sender = { packets: 51, octets: 51 * 172, firstSequenceNumber: 1000, firstAt: 5, lastAt: 1005 }
  const remote = {
    rtt: { sum: 0, count: 0 },
    jitter: { sum: 0, count: 0 },
    reports: 0,
    received: { count: 0, first: 0, last: 0 },
    ...view,
  }
  const measurements = new Measurements({ start, statistics, sender, view: remote, received, startedAt: 0 })
  const receive = (number: number) => {
    received.packets++
    received.octets += 172
    received.audio.packets++
    received.audio.octets += 172
    statistics.receive(number * 20, { ssrc: 1, sequenceNumber: number, timestamp: number * units, timed: true })
  }
  return { measurements, receive, sender, remote }
}

test('MOS is that of the loss, its bursts and the delay of the whole call', () => {
  const { measurements, receive } = call({ rtt: { sum: 120, count: 3 } })
  const lost = new Set([20, 21, 22, 60])
  for (let number = 0; number < 100; number++) if (!lost.has(number)) receive(number)
  const { metrics, mosBasis } = measurements.report()
  expect(metrics).toMatchObject({
    packetsLost: 4,
    packetLoss: 4,
    longestLossRun: 3,
    concealed: 4,
    late: 0,
    discardRate: 0,
    played: 96,
    packetsReceived: 96,
    rtt: 40,
  })
  // One burst of three and one loss alone in the gaps of 20 and 77 packets around it.
  expect(metrics).toMatchObject({ burstDensity: 100, burstDuration: 60, gapDuration: ((20 + 77) / 2) * 20 })
  expect(metrics.gapDensity).toBeCloseTo(100 / 97, 9)
  const delay = 20 + 20 + (metrics.target ?? NaN)
  expect(metrics.oneWayDelay).toBeCloseTo(delay, 9)
  const { r } = pathRating({ equipment: G711_WITH_PLC, delay, loss: 4, burstRatio: 2 * 0.96 })
  expect(metrics.rFactor).toBeCloseTo(r, 9)
  expect(metrics.mos).toBeCloseTo(mosOfR(r), 9)
  expect(mosBasis).toMatchObject({
    jitterBuffer: 'adaptive, from 40 ms',
    delayBasis: 'rtt/2 + jitter buffer + packetization',
  })
})

test('the worst seconds are the 5th percentile of the MOS of all seconds', () => {
  const { measurements, receive } = call()
  const worst: number[] = []
  for (let second = 0; second < 20; second++) {
    for (let number = second * 50; number < second * 50 + 50; number++)
      if (second !== 7 || number % 5 !== 2) receive(number)
    const { mos, packetLoss } = measurements.sample((second + 1) * 1000)
    expect(packetLoss).toBe(second === 7 ? 20 : 0)
    worst.push(mos ?? NaN)
  }
  const { metrics } = measurements.report()
  expect(metrics.mosLow).toBeCloseTo(Math.min(...worst), 2)
  expect(metrics.mosLow).toBeLessThan(3)
  expect(metrics.mos).toBeGreaterThan(4)
})

test('a sample is what happened since the last one', () => {
  const { measurements, receive, sender, remote } = call({ rtt: { sum: 30, count: 1 } })
  for (let number = 0; number < 50; number++) receive(number)
  expect(measurements.sample(1000)).toMatchObject({
    packetRateReceived: 50,
    bitRateReceived: 50 * 172 * 8,
    packetRateSent: 51,
    rtt: 30,
    packetLoss: 0,
  })
  sender.packets += 25
  for (let number = 50; number < 75; number++) if (number !== 60) receive(number)
  remote.rtt.sum += 60
  remote.rtt.count++
  expect(measurements.sample(1500)).toMatchObject({
    packetRateReceived: 48,
    packetRateSent: 50,
    rtt: 60,
    packetLoss: 4,
    packetsLost: 1,
  })
  const silent = measurements.sample(2500)
  expect(silent).toMatchObject({ packetRateReceived: 0 })
  expect([silent.mos, silent.jitter, silent.packetLoss, silent.rtt]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})

describe('the basis of MOS names', () => {
  const basis = (codec: StartOptions['codec']) => {
    const { measurements, receive } = call({ rtt: { sum: 40, count: 1 } }, { ...PCMU, codec })
    for (let number = 0; number < 100; number++) receive(number)
    return measurements.report()
  }

  test('G.107 and nothing assumed for G.711', () => {
    const { mosBasis, metrics } = basis('PCMA')
    expect(mosBasis).toMatchObject({ model: 'G.107' })
    expect(mosBasis).not.toHaveProperty('assumed')
    expect(metrics).toMatchObject({ timestampJumps: 0 })
    expect(metrics).not.toHaveProperty('clockDriftPpm')
  })

  test('G.107.1, what is assumed and the delay of the codec for G.722', () => {
    const { mosBasis, metrics } = basis('G722')
    expect(mosBasis).toMatchObject({
      model: 'G.107.1',
      assumed: ['Ie,wb', 'Bpl,wb'],
      delayBasis: 'rtt/2 + jitter buffer + packetization + codec',
    })
    expect(metrics.oneWayDelay).toBeCloseTo(20 + 20 + (metrics.target ?? NaN) + CODECS.G722.codingDelay, 9)
    expect(metrics.rFactor).toBe(129 - 14)
  })

  test('G.107.2 and the row of the bit rate for Opus', () => {
    // 160 octets of payload in 20 ms.
    const { mosBasis } = basis('opus')
    expect(mosBasis).toMatchObject({ model: 'G.107.2', codec: expect.stringContaining('opus at 40 kbit/s') })
    expect(mosBasis?.assumed).toContain('Ie,fb')
  })
})

test('what is told to the peer is what the report says, in the units of RFC 3611', () => {
  const { measurements, receive } = call({ rtt: { sum: 120, count: 3 } })
  expect(measurements.voipMetrics(7)).toBeUndefined()
  const lost = new Set([20, 21, 22, 60])
  for (let number = 0; number < 100; number++) if (!lost.has(number)) receive(number)
  const { metrics } = measurements.report()
  expect(measurements.voipMetrics(7)).toEqual({
    block: 'VoipMetrics',
    ssrc: 7,
    lossRate: Math.floor(256 * 0.04),
    discardRate: 0,
    burstDensity: 255,
    gapDensity: Math.floor(256 / 97),
    burstDuration: 60,
    gapDuration: 970,
    roundTripDelay: 40,
    endSystemDelay: Math.round(20 + (metrics.target ?? NaN)),
    signalLevel: 127,
    noiseLevel: 127,
    residualEchoReturnLoss: 127,
    gmin: 16,
    rFactor: Math.round(metrics.rFactor ?? NaN),
    externalRFactor: 127,
    mosListening: Math.round(
      10 * mosOfR(pathRating({ equipment: G711_WITH_PLC, delay: 0, loss: 4, burstRatio: 1.92 }).r),
    ),
    mosConversational: Math.round(10 * (metrics.mos ?? NaN)),
    concealment: 'Standard',
    jitterBuffer: 'Adaptive',
    jitterBufferNominal: Math.round(metrics.target ?? NaN),
    jitterBufferMaximum: 200,
    jitterBufferAbsoluteMaximum: 200,
  })
})

test('the other side’s view of our stream is what its reports say', () => {
  const { measurements } = call({
    jitter: { sum: 32, count: 4 },
    cumulativeLost: 5,
    extendedHighest: 1049,
    received: { count: 4, first: 100, last: 3100 },
  })
  expect(measurements.report().metrics).toEqual({
    packetsSent: 51,
    bytesSent: 51 * 172,
    packetRateSent: 50,
    bitRateSent: 50 * 172 * 8,
    packetsReceived: 0,
    bytesReceived: 0,
    remotePacketLoss: 10,
    remoteJitter: 1,
    rtcpInterval: 1000,
  })
})
