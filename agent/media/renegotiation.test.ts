/** New terms in mid-call: another place, hold and its end, another codec; what was counted goes on. */
import { expect, test } from 'vitest'
import type { NewTerms } from './index.ts'
import { HOST, engine, open, options, packet, rawPeer, until } from './loopback.ts'
import { payloadType, sequenceNumber, ssrc, timestamp } from './rtp.ts'
import { talk } from './talk.fixture.ts'

const TERMS = { codec: 'PCMA', payloadType: 8, ptime: 20, sending: true, receiving: true } as const
const marker = (message: Buffer) => (message[1] ?? 0) >> 7

test('media goes to the new place at once, in the same stream, and what still comes from the old one counts', async () => {
  await using before = await rawPeer()
  await using after = await rawPeer()
  await using media = engine()
  const session = await open(media)
  session.start({ ...options(session, { kind: 'Tone' }), remote: before.address })
  before.rtp.send(packet(0), session.rtpPort, HOST)
  await until(() => before.got.length >= 3 && session.report().packetsReceived === 1)
  expect(session.renegotiate({ ...TERMS, remote: after.address })).toBe('Changed')
  const left = session.report().packetsSent
  before.rtp.send(packet(1), session.rtpPort, HOST)
  after.rtp.send(packet(2), session.rtpPort, HOST)
  await until(() => after.got.length >= 3 && session.report().packetsReceived === 3)
  expect(before.got.length).toBe(left)
  const all = [...before.got, ...after.got]
  expect(new Set(all.map(ssrc)).size).toBe(1)
  const [first = Buffer.alloc(12)] = all
  expect(all.map((each) => (sequenceNumber(each) - sequenceNumber(first)) & 0xffff)).toEqual([...all.keys()])
  expect(session.report().metrics).toMatchObject({ packetsLost: 0, ssrcSwitches: 0 })
  await until(() => after.gotRtcp.length > 0)
})

test('the same place again leaves media where the peer’s packets come from, and so does the old form of hold', async () => {
  await using signalled = await rawPeer()
  await using real = await rawPeer()
  await using media = engine()
  const session = await open(media)
  session.start({ ...options(session, { kind: 'Tone' }), remote: signalled.address })
  real.rtp.send(packet(0), session.rtpPort, HOST)
  await until(() => real.got.length > 0)
  session.renegotiate({ ...TERMS, remote: { ...signalled.address, host: '0.0.0.0' }, sending: false, receiving: false })
  session.renegotiate({ ...TERMS, remote: signalled.address })
  const heard = signalled.got.length
  const count = real.got.length
  await until(() => real.got.length > count + 2)
  expect(signalled.got.length).toBe(heard)
})

test('on hold nothing leaves while the clock goes on; after it the numbers go on and the first packet is marked', async () => {
  await using peer = await rawPeer()
  await using talking = await talk()
  const { caller } = talking
  talking.due = () => 0
  caller.start(talking.options(caller, { remote: peer.address, source: { kind: 'Tone' } }))
  await talking.go(200)
  const held: NewTerms = { ...TERMS, remote: peer.address, sending: false }
  caller.renegotiate(held)
  const count = caller.report().packetsSent
  await talking.go(5000)
  expect(caller.report().packetsSent).toBe(count)
  // Reports go on.
  await until(() => peer.gotRtcp.length > 0)
  caller.renegotiate({ ...held, sending: true })
  await talking.go(200)
  await until(() => peer.got.length === caller.report().packetsSent)
  const [last = Buffer.alloc(12), next = Buffer.alloc(12), then = Buffer.alloc(12)] = peer.got.slice(count - 1)
  expect((sequenceNumber(next) - sequenceNumber(last)) & 0xffff).toBe(1)
  expect((timestamp(next) - timestamp(last)) >>> 0).toBe(8 * 5020)
  expect([marker(last), marker(next), marker(then)]).toEqual([0, 1, 0])
})

test('an echo on hold sends nothing back', async () => {
  await using talking = await talk()
  const { caller, callee } = talking
  caller.start(talking.options(callee, { source: { kind: 'Tone' } }))
  callee.start(talking.options(caller, { source: { kind: 'Echo' } }))
  await talking.go(200)
  callee.renegotiate({ ...TERMS, remote: talking.options(caller).remote, sending: false })
  const count = callee.report().packetsSent
  await talking.go(200)
  expect(callee.report().packetsSent).toBe(count)
  expect(callee.report().packetsReceived).toBeGreaterThan(count + 5)
})

test('who is on hold is no one-way audio', async () => {
  await using talking = await talk()
  const { caller, callee } = talking
  const spoken = { source: { kind: 'Speech' }, analysis: 'On' } as const
  caller.start(talking.options(callee, spoken))
  callee.start(talking.options(caller, { ...spoken, source: { kind: 'Speech', role: 'Callee' } }))
  const hold = (sending: boolean) => {
    caller.renegotiate({ ...TERMS, remote: talking.options(callee).remote, sending, receiving: sending })
    callee.renegotiate({ ...TERMS, remote: talking.options(caller).remote, sending, receiving: sending })
  }
  await talking.go(6000)
  hold(false)
  await talking.go(20_000)
  hold(true)
  await talking.go(6000)
  hold(false)
  await talking.go(6000)
  for (const session of [caller, callee]) {
    session.stop()
    const done = session.analyse()
    await talking.clock.advance(100)
    await done
    const { findings, metrics } = session.report()
    expect(findings).toEqual([])
    expect(metrics.oneWayAudio).toBe(0)
    expect(metrics).toMatchObject({ packetsLost: 0, ssrcSwitches: 0, sequenceResets: 0 })
  }
})

test('another codec of the same clock, packet time and payload types: the stream goes on in them', async () => {
  await using talking = await talk()
  const { caller, callee } = talking
  const analysis = 'On'
  caller.start(talking.options(callee, { source: { kind: 'Tone' }, analysis }))
  callee.start(talking.options(caller, { source: { kind: 'Tone' }, analysis }))
  await talking.go(3000)
  const next = { codec: 'G722', ptime: 40, sending: true, receiving: true } as const
  const { remote } = talking.options(caller)
  caller.renegotiate({ ...next, payloadType: 9, receivedType: 96, remote: talking.options(callee).remote })
  callee.renegotiate({ ...next, payloadType: 96, receivedType: 9, telephoneEvent: 101, remote })
  await talking.go(3000)
  const { metrics, mosBasis, packetsReceived } = caller.report()
  expect(metrics).toMatchObject({ packetsLost: 0, timestampJumps: 0, ssrcSwitches: 0, sequenceResets: 0 })
  expect(packetsReceived).toBeGreaterThanOrEqual(150 + 74)
  expect(mosBasis?.model).toBe('G.107.1')
  callee.sendDigits('4', { duration: 80, gap: 80 })
  expect(callee.report().digits).toEqual([])
  caller.stop()
  await caller.analyse()
  // What was heard in the first codec is what is judged; the second is none of it.
  expect(caller.report().findings).toEqual([])
})

test('another clock cannot be, and a session that does not run has no terms', async () => {
  await using peer = await rawPeer()
  await using media = engine()
  const session = await open(media)
  const terms: NewTerms = { ...TERMS, remote: peer.address }
  expect(() => session.renegotiate(terms)).toThrow('that runs')
  session.start({ ...options(session, { kind: 'Tone' }), remote: peer.address })
  expect(session.renegotiate({ ...terms, codec: 'opus', payloadType: 111 })).toBe('OtherClockRate')
  expect(() => session.renegotiate({ ...terms, ptime: 0 })).toThrow(RangeError)
  await until(() => peer.got.length > 2)
  expect(new Set(peer.got.map(payloadType))).toEqual(new Set([8]))
  session.stop()
  expect(() => session.renegotiate(terms)).toThrow('that runs')
})

test.each(['127.0.0.1', '::1'])(
  'over %s RTCP on the RTP port is that of two ports, and the other port is not read',
  async (host) => {
    await using talking = await talk(host)
    const { caller, callee, media } = talking
    caller.start(talking.options(callee, { source: { kind: 'Tone' }, rtcpMux: true }))
    callee.start(talking.options(caller, { source: { kind: 'Tone' }, rtcpMux: true }))
    await talking.go(6000)
    const { metrics, remoteProgress } = caller.report()
    expect(metrics).toMatchObject({ packetsLost: 0, remotePacketLoss: 0 })
    expect(metrics.rtt).toBeDefined()
    expect(remoteProgress).toBeGreaterThan(0)
    expect(media.gauges).toMatchObject({ refused: 0, sendErrors: 0 })
  },
)

test('nothing is left of an engine that is disposed of in mid-call: no port, no timer', async () => {
  const talking = await talk()
  const { caller, callee, media, clock } = talking
  caller.start(talking.options(callee, { source: { kind: 'Speech' }, analysis: 'On', rtcpMux: true }))
  callee.start(talking.options(caller, { source: { kind: 'Speech' } }))
  await talking.go(500)
  caller.stop()
  const analysis = caller.analyse()
  await talking[Symbol.asyncDispose]()
  await analysis
  await clock.advance(100)
  expect(media.gauges.portsUsed).toBe(0)
  expect(clock.waiting).toBe(0)
})
