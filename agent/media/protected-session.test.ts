/** Sessions under SRTP on the loopback: both ways, RTP and RTCP, what is on the wire, and what a stranger can do. */
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Protection } from './index.ts'
import { HOST, engine, open, options, packet, rawPeer, until } from './loopback.ts'
import { ProtectedSession } from './protected-session.ts'
import { parseCompound } from './rtcp.ts'
import { isRtcp, payloadType, sequenceNumber } from './rtp.ts'
import { type SuiteName, SrtpReceiver, SrtpSender, createKeyLine, suiteNames } from './srtp/index.ts'
import { talk } from './talk.fixture.ts'

/** Of two sides: what one sends under, the other receives under. */
function protections(suite: SuiteName): [Protection, Protection] {
  const { master: one } = createKeyLine(1, suite, randomBytes)
  const { master: other } = createKeyLine(1, suite, randomBytes)
  return [
    { sender: new SrtpSender(one), receiver: new SrtpReceiver(other) },
    { sender: new SrtpSender(other), receiver: new SrtpReceiver(one) },
  ]
}

describe.each(suiteNames)('%s', (suite) => {
  test.each([
    ['a port for each', false],
    ['RTCP on the RTP port', true],
  ])('%s: all of it arrives, and reports give the round trip', async (_, mux) => {
    await using talking = await talk()
    const { caller, callee } = talking
    const [ours, theirs] = protections(suite)
    const spoken = { source: { kind: 'Speech' }, analysis: 'On' } as const
    const others = mux ? ({ ...spoken, rtcpMux: true } as const) : spoken
    caller.start(talking.options(callee, { ...others, protection: ours }))
    callee.start(talking.options(caller, { ...others, protection: theirs }))
    await talking.go(6000)
    caller.stop()
    await caller.analyse()
    const { metrics, packetsReceived, remoteProgress, findings } = caller.report()
    expect(packetsReceived).toBeGreaterThanOrEqual(299)
    expect(metrics).toMatchObject({ packetsLost: 0, duplicates: 0, srtpFailures: 0, remotePacketLoss: 0 })
    expect(metrics.rtt).toBeDefined()
    expect(remoteProgress).toBeGreaterThan(0)
    // What was heard is the sound itself.
    expect(metrics.audioLevel).toBeGreaterThan(-28)
    expect(findings?.filter(({ finding }) => finding !== 'OneWayAudio')).toEqual([])
    expect(talking.media.gauges).toMatchObject({ refused: 0, sendErrors: 0 })
  })

  test('on the wire nothing is as it was, and the peer’s key opens all of it', async () => {
    await using peer = await rawPeer()
    await using media = engine(3)
    const session = await open(media)
    const [ours, theirs] = protections(suite)
    session.start({ ...options(session, { kind: 'Tone' }), remote: peer.address, protection: ours, rtcpMux: true })
    await until(() => peer.got.filter((each) => !isRtcp(each)).length >= 10)
    session.stop()
    await until(() => peer.got.some(isRtcp))
    expect(peer.gotRtcp).toEqual([])
    const plain = media.gauges.packetsSent
    const opened = peer.got.map((message) => {
      const outcome = isRtcp(message) ? theirs.receiver.unprotectRtcp(message) : theirs.receiver.unprotectRtp(message)
      if (outcome.kind !== 'Ok') throw new Error(outcome.reason)
      return outcome.packet
    })
    const sound = opened.filter((each) => !isRtcp(each))
    expect(new Set(sound.map((each) => `${payloadType(each)} ${each.length}`))).toEqual(new Set(['8 172']))
    expect(parseCompound(opened.findLast(isRtcp) ?? Buffer.alloc(0))?.at(-1)?.type).toBe('BYE')
    const payloads = new Set(sound.map((each) => each.toString('latin1', 12)))
    expect(payloads.size).toBe(plain)
    // A peer that misses the first packets counts the turns of the numbers as we do.
    expect(sequenceNumber(peer.got[0] ?? Buffer.alloc(12))).toBeLessThan(2 ** 15)
  })
})

test('an echo comes back under the keys of the echoing side', async () => {
  await using talking = await talk()
  const { caller, callee } = talking
  const [ours, theirs] = protections('AEAD_AES_128_GCM')
  caller.start(talking.options(callee, { source: { kind: 'Tone' }, protection: ours }))
  callee.start(talking.options(caller, { source: { kind: 'Echo' }, protection: theirs }))
  await talking.go(1000)
  expect(caller.report().metrics).toMatchObject({ packetsLost: 0, srtpFailures: 0 })
  expect(caller.report().packetsReceived).toBeGreaterThanOrEqual(49)
})

test('what is not authentic is counted, measured by nothing, and moves the peer nowhere; a repeated packet too', async () => {
  await using peer = await rawPeer()
  await using stranger = await rawPeer()
  await using media = engine(4)
  const session = await open(media)
  const [ours, theirs] = protections('AES_CM_128_HMAC_SHA1_80')
  const sealed = (number: number) => {
    const plain = packet(number)
    const outcome = theirs.sender.protectRtp(plain, Buffer.alloc(plain.length + 16))
    if (outcome.kind !== 'Ok') throw new Error(outcome.reason)
    return outcome.packet
  }
  // The first two come before the keys are known.
  const early = [sealed(0), sealed(1)]
  for (const each of early) peer.rtp.send(each, session.rtpPort, HOST)
  await using marker = await open(media)
  marker.start({ ...options(marker, { kind: 'Echo' }), remote: peer.address })
  peer.rtp.send(packet(1), marker.rtpPort, HOST)
  await until(() => peer.got.length === 1)
  session.start({ ...options(session, { kind: 'Tone' }), remote: peer.address, protection: ours })
  expect(session.report().packetsReceived).toBe(2)
  stranger.rtp.send(packet(3), session.rtpPort, HOST)
  stranger.rtcp.send(Buffer.alloc(40, 0x80), session.rtcpPort, HOST)
  peer.rtp.send(sealed(2), session.rtpPort, HOST)
  peer.rtp.send(early[0] ?? '', session.rtpPort, HOST)
  peer.rtp.send(sealed(3), session.rtpPort, HOST)
  await until(() => session.report().packetsReceived === 4 && session.report().metrics.srtpFailures === 3)
  expect(session.report().metrics).toMatchObject({ packetsLost: 0, duplicates: 0, ssrcSwitches: 0 })
  expect(stranger.got).toEqual([])
})

test('new keys in mid-call: the stream goes on, the old keys are gone, and failures under them stay counted', async () => {
  await using talking = await talk()
  const { caller, callee } = talking
  const first = protections('AES_CM_128_HMAC_SHA1_80')
  const next = protections('AEAD_AES_256_GCM')
  caller.start(talking.options(callee, { source: { kind: 'Tone' }, protection: first[0] }))
  callee.start(talking.options(caller, { source: { kind: 'Tone' }, protection: first[1] }))
  await talking.go(1000)
  const again = { codec: 'PCMA', payloadType: 8, ptime: 20, sending: true, receiving: true } as const
  const { remote } = talking.options(callee)
  caller.renegotiate({ ...again, remote, protection: next[0] })
  // One packet under keys that the other side does not have yet.
  await talking.go(20)
  callee.renegotiate({ ...again, remote: talking.options(caller).remote, protection: next[1] })
  await talking.go(1000)
  expect(callee.report().metrics).toMatchObject({ srtpFailures: 1, packetsLost: 1, ssrcSwitches: 0, sequenceResets: 0 })
  expect(first.map(({ receiver }) => receiver.unprotectRtp(Buffer.alloc(200, 0x80)))).toEqual([
    { kind: 'Refused', reason: 'Disposed' },
    { kind: 'Refused', reason: 'Disposed' },
  ])
  caller.stop()
  expect(next[0].sender.protectRtp(packet(1), Buffer.alloc(200))).toEqual({ kind: 'Refused', reason: 'Disposed' })
})

test('keys of a handshake that was repeated before the start are not replaced by those of the first', () => {
  const [first] = protections('AES_CM_128_HMAC_SHA1_80')
  const [next] = protections('AEAD_AES_128_GCM')
  using session = new ProtectedSession()
  expect(session.failures).toBeUndefined()
  session.change(next)
  session.begin(first)
  expect(first.sender.protectRtp(packet(1), Buffer.alloc(200))).toEqual({ kind: 'Refused', reason: 'Disposed' })
  expect(session.sealRtp(packet(1), Buffer.alloc(200))?.length).toBe(188)
  expect(session.failures).toBe(0)
})
