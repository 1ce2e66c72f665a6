/** What is heard in real sessions on the loopback: each finding, the metrics of the audio group, and that analyses take turns. */
import { expect, test } from 'vitest'
import type { MediaSession, StartOptions } from './index.ts'
import { HOST, packet, rawPeer } from './loopback.ts'
import { createPacket, stampPacket } from './rtp.ts'
import { type Talk, talk } from './talk.fixture.ts'

async function heard({ clock }: Talk, session: MediaSession) {
  session.stop()
  const done = session.analyse()
  await clock.advance(20)
  await done
  const { findings = [], metrics } = session.report()
  return { metrics, named: findings.map(({ finding, reason }) => `${finding}: ${reason}`) }
}

/** The caller listens. */
async function call(
  talking: Talk,
  callee: Partial<StartOptions>,
  caller: Partial<StartOptions> = {},
  milliseconds = 6000,
) {
  const spoken = { source: { kind: 'Speech' }, ...caller, analysis: 'On' } as const
  talking.caller.start(talking.options(talking.callee, spoken))
  talking.callee.start(talking.options(talking.caller, callee))
  await talking.go(milliseconds)
  return await heard(talking, talking.caller)
}

test.each([
  ['Tone', ['StuckTone: SteadyTone']],
  ['Noise', ['NoiseOnly: SteadyNoise']],
  ['Silence', ['SilentMedia: BelowSilence']],
] as const)('a callee that sends %s is named', async (kind, expected) => {
  await using talking = await talk()
  const { named, metrics } = await call(talking, { source: { kind } })
  expect(named).toEqual(expected)
  expect(metrics.rms).toBeDefined()
})

const FORMATS = [
  ['PCMA', 8, 20],
  ['PCMU', 0, 30],
  ['G722', 9, 20],
  ['opus', 111, 20],
] as const

test.each(FORMATS)(
  '%s: a callee that speaks as callees do is no finding and no echo',
  async (codec, payloadType, ptime) => {
    await using talking = await talk()
    const format = { codec, payloadType, ptime }
    const spoken = { ...format, source: { kind: 'Speech', role: 'Callee' } } as const
    const { named, metrics } = await call(talking, spoken, format)
    expect(named).toEqual([])
    expect(metrics).toMatchObject({ oneWayAudio: 0 })
    expect(metrics.echoDelay).toBeUndefined()
    expect(metrics.audioLevel).toBeGreaterThan(-28)
    expect(metrics.audioLevel).toBeLessThan(-25)
  },
)

test.each(FORMATS)('%s: an echo is found with its delay', async (codec, payloadType, ptime) => {
  await using talking = await talk()
  const format = { codec, payloadType, ptime }
  const { named, metrics } = await call(talking, { ...format, source: { kind: 'Echo' } }, format, 8000)
  expect(named).toEqual([])
  // In time of its own a packet is back in the moment in which it left.
  expect(metrics.echoDelay).toBeLessThan(1)
  expect(Math.abs(metrics.echoLoss ?? NaN)).toBeLessThan(0.1)
})

test.each([
  ['the other law', { codec: 'PCMU', payloadType: 8 }, 'WrongCodec: OtherLaw'],
  ['another payload type', { codec: 'PCMU', payloadType: 0 }, 'WrongCodec: OtherPayloadType'],
  ['what is no audio', { codec: 'opus', payloadType: 8 }, 'WrongCodec: NoAudio'],
] as const)('%s is a wrong codec', async (_, format, expected) => {
  await using talking = await talk()
  const { named, metrics } = await call(talking, { ...format, source: { kind: 'Speech', role: 'Callee' } })
  expect(named).toContain(expected)
  // What is not of the agreed type is not the stream: it has no quality.
  expect(metrics.mos === undefined).toBe(format.payloadType === 0)
  expect(metrics.packetsReceived).toBeGreaterThan(290)
})

test('packets of a size that the codec has not are a wrong codec: G.729 under the number of PCMA', async () => {
  await using peer = await rawPeer()
  await using talking = await talk()
  const { caller } = talking
  caller.start(talking.options(caller, { remote: peer.address, analysis: 'On' }))
  let sent = 0
  talking.due = () => sent
  for (let number = 0; number < 150; number++) {
    sent++
    const message = createPacket(8, 77, 20)
    stampPacket(message, number === 0, number, number * 160)
    peer.rtp.send(message, caller.rtpPort, HOST)
    await talking.go(20)
  }
  expect((await heard(talking, caller)).named).toContain('WrongCodec: Undecodable')
})

test('a direction that is cut is one-way audio, on both sides: who hears nothing, and who is not heard', async () => {
  await using talking = await talk()
  const { caller, callee } = talking
  await using way = await rawPeer()
  way.rtp.on('message', (message, from) => {
    if (from.port === caller.rtpPort) way.rtp.send(message, callee.rtpPort, HOST)
  })
  const over = (to: MediaSession) => ({ ...talking.options(to).remote, rtpPort: way.address.rtpPort })
  const spoken = { source: { kind: 'Speech' }, analysis: 'On' } as const
  caller.start(talking.options(callee, { ...spoken, remote: over(callee) }))
  callee.start(talking.options(caller, { ...spoken, source: { kind: 'Speech', role: 'Callee' }, remote: over(caller) }))
  talking.due = () => caller.report().packetsSent
  await talking.go(15_000)
  const [ours, theirs] = [await heard(talking, caller), await heard(talking, callee)]
  expect(ours.named).toEqual(['OneWayAudio: NothingArrived'])
  expect(ours.metrics.oneWayAudio).toBeGreaterThan(14_900)
  expect(theirs.named).toEqual(['OneWayAudio: NoProgress'])
  expect(theirs.metrics.oneWayAudio).toBeGreaterThan(4000)
})

test('copies are heard once, events and late packets do no harm, and another source goes on behind', async () => {
  await using peer = await rawPeer()
  await using talking = await talk()
  const { caller } = talking
  caller.start(talking.options(caller, { remote: peer.address, analysis: 'On', telephoneEvent: 101 }))
  const order = [0, 1, 1, 3, 2, 4, 5]
  let sent = 0
  talking.due = () => sent
  for (let round = 0; round < 150; round++) {
    const source = round < 80 ? 77 : 78
    const at = round * 6
    for (const number of order) {
      const type = number === 4 ? 101 : number === 5 ? 13 : 8
      peer.rtp.send(packet(at + number, source, type), caller.rtpPort, HOST)
      sent++
    }
    await talking.go(20)
  }
  const { metrics, named } = await heard(talking, caller)
  expect(metrics).toMatchObject({ packetsLost: 0, duplicates: 150, outOfOrder: 150, ssrcSwitches: 1 })
  // A-law of zeroes is a constant: no sound, and no packet of it is strange.
  expect(named.filter((each) => each.startsWith('WrongCodec'))).toEqual([])
})

test('analysis is asked for, comes after the end, and one session of the engine has its turn after the other', async () => {
  await using talking = await talk()
  const { caller, callee } = talking
  caller.start(talking.options(callee, { source: { kind: 'Speech' }, analysis: 'On' }))
  callee.start(talking.options(caller))
  await talking.go(3000)
  expect(() => caller.analyse()).toThrow('after the end')
  callee.stop()
  caller.stop()
  await callee.analyse()
  expect(callee.report().findings).toBeUndefined()
  expect(caller.report().findings).toBeUndefined()
  const both = Promise.all([caller.analyse(), caller.analyse()])
  await talking.clock.advance(100)
  await both
  expect(caller.report().findings?.map(({ finding }) => finding)).toEqual(['SilentMedia'])
  expect(caller.report().metrics.oneWayAudio).toBeDefined()
})
