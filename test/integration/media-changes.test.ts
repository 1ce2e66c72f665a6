/** What else happens to the media of a call, with peers: digits both ways, another codec in mid-call, IPv6, RTCP on the port of RTP. */
import { describe, expect, test } from 'vitest'
import { createMediaEngine } from '../../agent/media/index.ts'
import { openStream } from '../../agent/stream/index.ts'
import { baresip } from '../lab/baresip.ts'
import { shows } from '../lab/features.ts'
import { until } from '../lab/process.ts'
import { sippCallee } from '../lab/sipp.ts'
import { called, common, jitterBuffer } from './called.ts'
import * as agents from './sip/agents.ts'

const audio = { codec: 'PCMU', ptime: 20, source: { kind: 'Speech' } } as const

describe('baresip', () => {
  test('hears our digits, and we hear its', shows({ baresip: ['events-sent', 'events-received'] }), async () => {
    await using peer = await baresip()
    await using ours = await agents.engine()
    await using media = createMediaEngine(common)
    const outcome = await openStream({
      ...{ media, address: '127.0.0.1', sessionId: 1, codecs: ['PCMU'], ptime: 20, source: { kind: 'Speech' } },
      ...{ jitterBuffer, encryption: 'None', rtcpMux: false },
    })
    if (outcome.kind !== 'Open') throw new Error(outcome.kind)
    await using stream = outcome.stream
    const invitation = { ...agents.invitation(agents.direct(peer), 'baresip'), offer: stream.offer() }
    const call = await agents.answered(ours.invite(invitation))
    expect(stream.accept(call.sdp)).toBeUndefined()
    stream.session.sendDigits('4#D', { duration: 100, gap: 100 })
    await until(() => peer.log().includes("received event: 'D' (end=1)"), { what: 'it heard them' })
    const heard = [...peer.log().matchAll(/received event: '(.)' \(end=1\)/g)].map(([, digit]) => digit)
    expect(heard).toEqual(['4', '#', 'D'])
    await peer.command('sndcode', '27')
    const digits = () => stream.session.report().digits?.filter(({ complete }) => complete) ?? []
    await until(() => digits().length === 2, { what: 'we heard its' })
    expect(digits().map(({ digit }) => digit)).toEqual(['2', '7'])
    await call.bye()
  })

  test('is called over IPv6', shows({ baresip: ['rtp-ipv6'] }), async () => {
    await using peer = await baresip({ host: '::1' })
    const result = await called({ host: '::1', port: peer.port, user: 'baresip', callDuration: 2000 }, { audio })
    expect(result).toMatchObject({ outcome: 'Success', metrics: { packetLoss: 0 }, remote: { host: '::1' } })
    expect(result.metrics.packetsReceived).toBeGreaterThan(50)
    await until(() => /receiving from \[?::1/.test(peer.log()), { what: 'it hears us there' })
  })

  test('has its RTCP on the port of RTP', shows({ baresip: ['rtcp-on-rtp-port'] }), async () => {
    await using peer = await baresip()
    // Its RTCP leaves every 5 s, and the second report names one of ours.
    const result = await called({ port: peer.port, user: 'baresip', callDuration: 12_000 }, { audio, rtcpMux: true })
    expect(result.media).toEqual({ codec: 'PCMU', rtcpMux: true })
    expect(result.metrics.rtt).toBeGreaterThanOrEqual(0)
  })
})

test('SIPp wants another codec: what we send changes at once', shows({ SIPp: ['media-renegotiation'] }), async () => {
  await using peer = await sippCallee({ scenario: 'changes-codec', rtpEcho: true })
  const result = await called({ port: peer.port, user: 'sipp', callDuration: 4000 }, { audio })
  expect(result).toMatchObject({
    outcome: 'Success',
    media: { codec: 'PCMA' },
    findings: [],
    metrics: { packetLoss: 0 },
  })
  // It echoes what we send: all of it came back, and none was of another type than was agreed on then.
  const { packetsSent = NaN, packetsReceived = NaN } = result.metrics
  expect(packetsSent).toBeGreaterThan(150)
  expect(packetsSent - packetsReceived).toBeLessThan(5)
  expect(peer.counts().failed).toBe(0)
})
