/** Two of our streams on loopback over ICE and DTLS, which they agree on through nothing but their descriptions. */
import { describe, expect, test } from 'vitest'
import { connect, hearMore, pair, type Wishes } from './streams.fixture.ts'

const ice = (mode: 'Lite' | 'Full', controlling: boolean): Wishes => ({
  ice: { mode, controlling, stun: [], turn: [] },
})

const full = [ice('Full', true), ice('Full', false)] as const
const dtls: Wishes = { encryption: 'DTLS' }

describe.concurrent('what both agree on', () => {
  test.each<[name: string, ours: Wishes, theirs: Wishes, agreed: object]>([
    ['DTLS', dtls, dtls, { suite: 'AEAD_AES_128_GCM' }],
    ['ICE', ...full, { ice: { local: 'host', remote: 'host' } }],
    ['ICE, with a lite caller', ice('Lite', true), ice('Full', false), { ice: { local: 'host', remote: 'host' } }],
    ['ICE, with a lite callee', ice('Full', true), ice('Lite', false), { ice: { local: 'host', remote: 'host' } }],
    [
      'ICE and SDES',
      { ...full[0], encryption: 'SDES' },
      { ...full[1], encryption: 'Optional' },
      { suite: 'AES_CM_128_HMAC_SHA1_80', ice: {} },
    ],
    [
      'ICE and DTLS',
      { ...full[0], ...dtls },
      { ...full[1], ...dtls },
      { suite: 'AEAD_AES_128_GCM', dtls: {}, ice: {} },
    ],
  ])('is %s, and each hears the other', async (_name, ours, theirs, agreed) => {
    await using both = await pair(ours, theirs)
    expect(connect(both)).toBeUndefined()
    await hearMore(both.caller, both.callee)
    for (const each of [both.caller, both.callee]) {
      expect(each.terms).toMatchObject({ rtcpMux: true, ...agreed })
      expect(each.joining).toBe(false)
      expect(each.session.report().metrics.srtpFailures ?? 0).toBe(0)
    }
  })

  test.each<[ours: Wishes, theirs: Wishes]>([
    [full[0], {}],
    [{}, full[1]],
    [{ ...full[0], encryption: 'SDES' }, { encryption: 'SDES' }],
  ])('is no ICE of %j and %j: the ports are used as they are', async (ours, theirs) => {
    await using both = await pair(ours, theirs)
    expect(connect(both)).toBeUndefined()
    await hearMore(both.caller, both.callee)
    for (const each of [both.caller, both.callee]) expect(each.terms).not.toHaveProperty('ice')
    // A re-INVITE does not begin it, either.
    expect(both.callee.reoffer(undefined)).not.toContain('a=candidate')
  })

  test.each<[ours: Wishes, theirs: Wishes, why: string]>([
    [dtls, {}, 'the other side wants encryption, and we are to use none'],
    [dtls, { encryption: 'SDES' }, 'the other side has its keys by another way'],
    [{ encryption: 'SDES' }, dtls, 'the other side has its keys by another way'],
    [{}, dtls, 'the other side does not encrypt'],
  ])('cannot be of %j and %j', async (ours, theirs, why) => {
    await using both = await pair(ours, theirs)
    expect(connect(both)).toContain(why)
  })

  test('cannot be where RTCP has a port of its own', async () => {
    await using both = await pair(dtls, dtls)
    expect(connect(both, (offer) => offer.replace('a=rtcp-mux\r\n', ''))).toContain('has RTCP on a port of its own')
  })
})

describe.concurrent('what fails later is told of by name', () => {
  test('a certificate that is not the one that was signalled', async () => {
    await using both = await pair(dtls, dtls)
    const lie = (offer: string) => offer.replace(/(a=fingerprint:sha-256 )\w\w:\w\w/, '$100:00')
    expect(connect(both, lie)).toBeUndefined()
    expect(await both.callee.failed).toMatchObject({ stage: 'DTLS', reason: 'FingerprintMismatch' })
    expect(both.callee.joining).toBe(true)
    expect(both.callee.terms).toEqual({ codec: 'PCMA', rtcpMux: true })
  })

  test('candidates that nobody can reach', async () => {
    await using both = await pair(...full)
    const unreachable = (offer: string) => offer.replaceAll(/ 127\.0\.0\.1 (\d+) typ/g, ' ::1 $1 typ')
    expect(connect(both, unreachable)).toBeUndefined()
    expect(await both.callee.failed).toMatchObject({ stage: 'ICE', reason: 'NoCandidatePair' })
  })
})

describe.concurrent('a re-INVITE', () => {
  const kinds: Array<[string, Wishes, Wishes]> = [
    ['DTLS', dtls, dtls],
    ['ICE and DTLS', { ...full[0], ...dtls }, { ...full[1], ...dtls }],
  ]

  test.each(kinds)('goes on over the same path: %s', async (_name, ours, theirs) => {
    await using both = await pair(ours, theirs)
    connect(both)
    await hearMore(both.caller, both.callee)
    const offer = both.caller.offer()
    expect(both.callee.reoffer(offer.replace('a=sendrecv', 'a=inactive'))).toContain('a=inactive')
    expect(both.callee.onHold).toBe(true)
    expect(both.callee.reoffer(offer)).toContain('a=setup:active')
    expect(both.callee.onHold).toBe(false)
    await hearMore(both.caller, both.callee)
    expect(both.callee.session.report().metrics).toMatchObject({ srtpFailures: 0, dtlsRehandshakes: 0 })
  })

  test.each(kinds)('that asks for another path is refused, and the call goes on: %s', async (_name, ours, theirs) => {
    await using both = await pair(ours, theirs)
    connect(both)
    await hearMore(both.caller, both.callee)
    await using elsewhere = await pair(ours)
    expect(both.callee.reoffer(elsewhere.caller.offer())).toBeUndefined()
    await hearMore(both.caller, both.callee)
  })

  test('before the path is found holds from the beginning', async () => {
    await using both = await pair(...full)
    const answer = both.callee.answer(both.caller.offer())
    if ('unusable' in answer) throw new Error(answer.unusable)
    both.callee.begin()
    expect(both.callee.reoffer(both.caller.offer().replace('a=sendrecv', 'a=inactive'))).toContain('a=inactive')
    both.caller.accept(answer.sdp)
    await hearMore(both.callee)
    expect(both.callee.session.report().packetsSent).toBe(0)
  })
})

test('a call that ends before its path is found leaves nothing', async () => {
  await using both = await pair({ ...full[0], ...dtls }, { ...full[1], ...dtls })
  const answer = both.callee.answer(both.caller.offer())
  if ('unusable' in answer) throw new Error(answer.unusable)
  both.caller.accept(answer.sdp)
  expect(both.caller.joining).toBe(true)
  both.caller.stop()
  await both.caller[Symbol.asyncDispose]()
  await both.callee[Symbol.asyncDispose]()
  expect(both.media.gauges.portsUsed).toBe(0)
})
