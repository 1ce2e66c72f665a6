/** Two of our streams on loopback agree with each other through nothing but their descriptions. */
import { describe, expect, test } from 'vitest'
import { suiteNames } from '../media/srtp/index.ts'
import { connect, hearMore, pair, type Wishes } from './streams.fixture.ts'

const ICE = { mode: 'Full', controlling: true, stun: [], turn: [] } as const
const ALL = { codecs: ['PCMA', 'PCMU', 'G722', 'opus'] } as const

describe('what both agree on', () => {
  test.each(['PCMA', 'PCMU', 'G722', 'opus'] as const)('is %s when that is what is asked for', async (codec) => {
    await using both = await pair({ codecs: [codec] }, ALL)
    expect(connect(both)).toBeUndefined()
    await hearMore(both.caller, both.callee)
    expect(both.caller.terms).toEqual({ codec, rtcpMux: false })
    expect(both.callee.terms).toEqual(both.caller.terms)
    expect(both.caller.offer()).toContain(`telephone-event/${codec === 'opus' ? 48_000 : 8000}`)
  })

  test('is the address that peers reach us under, but with ICE that of its candidates', async () => {
    const video = { codecs: ['VP8'], resolution: 'R360p', frameRate: 10, required: false } as const
    await using plain = await pair({ advertised: '192.0.2.9', video })
    const said = plain.caller.offer().match(/^(?:o|c)=.*IN IP4 .*(?=\r)/gm) ?? []
    expect(said.length).toBeGreaterThan(1)
    expect(said.filter((line) => !line.endsWith(' 192.0.2.9'))).toEqual([])
    await using found = await pair({ advertised: '192.0.2.9', ice: ICE })
    expect(found.caller.offer()).not.toContain('192.0.2.9')
  })

  test('is RTCP on the port of RTP only when both can', async () => {
    await using mux = await pair({ rtcpMux: true }, { rtcpMux: true })
    expect(connect(mux)).toBeUndefined()
    expect([mux.caller.terms?.rtcpMux, mux.callee.terms?.rtcpMux]).toEqual([true, true])
    await using one = await pair({ rtcpMux: true })
    expect(connect(one)).toBeUndefined()
    expect([one.caller.terms?.rtcpMux, one.callee.terms?.rtcpMux]).toEqual([false, false])
  })

  test.each([
    ['SDES', 'SDES'],
    ['SDES', 'Optional'],
    ['Optional', 'SDES'],
    ['Optional', 'Optional'],
  ] as const)('is SRTP of %s and %s, and each hears the other', async (ours, theirs) => {
    await using both = await pair({ encryption: ours }, { encryption: theirs })
    expect(connect(both)).toBeUndefined()
    expect(both.caller.offer()).toContain(ours === 'SDES' ? ' RTP/SAVP 8 0 101' : ' RTP/AVP 8 0 101')
    await hearMore(both.caller, both.callee)
    for (const each of [both.caller, both.callee]) {
      expect(each.terms?.suite).toBe('AES_CM_128_HMAC_SHA1_80')
      expect(each.session.report().metrics.srtpFailures).toBe(0)
    }
  })

  test.each(suiteNames)('is %s when the offer has no other', async (suite) => {
    await using both = await pair({ encryption: 'SDES' }, { encryption: 'SDES' })
    const only = (offer: string) =>
      offer.replaceAll(/a=crypto:\d (\S+) .*\r\n/g, (line, its) => (its === suite ? line : ''))
    expect(connect(both, only)).toBeUndefined()
    expect(both.callee.terms?.suite).toBe(suite)
    await hearMore(both.caller, both.callee)
    for (const each of [both.caller, both.callee]) expect(each.session.report().metrics.srtpFailures).toBe(0)
  })

  test.each([
    ['None', 'None'],
    ['None', 'Optional'],
    ['Optional', 'None'],
  ] as const)('is no encryption of %s and %s', async (ours, theirs) => {
    await using both = await pair({ encryption: ours }, { encryption: theirs })
    expect(connect(both)).toBeUndefined()
    expect(both.caller.terms).toEqual({ codec: 'PCMA', rtcpMux: false })
    await hearMore(both.caller, both.callee)
  })

  test.each<[ours: Wishes, theirs: Wishes, why: string]>([
    [{ encryption: 'SDES' }, {}, 'the other side wants encryption, and we are to use none'],
    [{}, { encryption: 'SDES' }, 'the other side does not encrypt'],
    [{ codecs: ['G722'] }, {}, 'there is none of PCMA, PCMU'],
  ])('cannot be of %j and %j', async (ours, theirs, why) => {
    await using both = await pair(ours, theirs)
    expect(connect(both)).toContain(why)
  })

  test('cannot be where the answer leaves the keys that were demanded', async () => {
    await using both = await pair({ encryption: 'SDES' }, { encryption: 'SDES' })
    const answer = both.callee.answer(both.caller.offer())
    if ('unusable' in answer) throw new Error(answer.unusable)
    expect(both.caller.accept(answer.sdp.replace('AES_CM_128_HMAC_SHA1_80', 'UNHEARD_OF'))).toContain('UNHEARD_OF')
    expect(both.caller.accept(answer.sdp.replace(/a=crypto.*\r\n/, ''))).toContain('has its keys by another way')
    expect(both.caller.terms).toBeUndefined()
  })
})

describe('a re-INVITE', () => {
  const encryptions = ['None', 'SDES'] as const

  test.each(encryptions)('of hold stops what we send, and its end begins it again: %s', async (encryption) => {
    await using both = await pair({ encryption }, { encryption })
    connect(both)
    await hearMore(both.caller, both.callee)
    const offer = both.caller.offer()
    const held = both.callee.reoffer(offer.replace('a=sendrecv', 'a=inactive'))
    expect(held).toContain('a=inactive')
    expect(both.callee.onHold).toBe(true)
    await expect
      .poll(async () => {
        const before = both.callee.session.report().packetsSent
        await new Promise((resolve) => setTimeout(resolve, 60))
        return both.callee.session.report().packetsSent - before
      })
      .toBe(0)
    const resumed = both.callee.reoffer(offer)
    expect(resumed).toContain('a=sendrecv')
    expect(both.callee.onHold).toBe(false)
    // RFC 3264 8: each change raises the version by one.
    expect([held, resumed].map((sdp) => /^o=- 1 (\d+)/m.exec(sdp ?? '')?.[1])).toEqual(['2', '3'])
    await hearMore(both.caller, both.callee)
  })

  test.each(encryptions)('to another port is followed there: %s', async (encryption) => {
    await using both = await pair({ encryption }, { encryption })
    connect(both)
    await using elsewhere = await pair({ encryption })
    const answer = both.callee.reoffer(elsewhere.caller.offer())
    expect(elsewhere.caller.accept(answer ?? '')).toBeUndefined()
    await hearMore(elsewhere.caller)
    expect(elsewhere.caller.session.report().metrics.srtpFailures ?? 0).toBe(0)
  })

  test('of another codec changes it, and one that still has it does not', async () => {
    await using both = await pair()
    connect(both)
    const offer = both.caller.offer()
    both.callee.reoffer(offer.replace('RTP/AVP 8 0 101', 'RTP/AVP 0 8 101'))
    expect(both.callee.terms?.codec).toBe('PCMA')
    both.callee.reoffer(offer.replace('RTP/AVP 8 0 101', 'RTP/AVP 0 101'))
    expect(both.callee.terms?.codec).toBe('PCMU')
  })

  test('of what we have not is refused, and the call goes on as before', async () => {
    await using both = await pair()
    connect(both)
    const offer = both.caller.offer()
    expect(both.callee.reoffer(offer.replace('RTP/AVP 8 0 101', 'RTP/AVP 18'))).toBeUndefined()
    expect(both.callee.reoffer(offer.replaceAll('IN IP4 127.0.0.1', 'IN IP4 media.example.com'))).toBeUndefined()
    expect(both.callee.terms?.codec).toBe('PCMA')
    await hearMore(both.caller, both.callee)
  })

  test('to another clock rate is refused, and the keys are those of before', async () => {
    await using both = await pair({ encryption: 'SDES' }, { ...ALL, encryption: 'SDES' })
    connect(both)
    const ourKey = () => /inline:\S+/.exec(both.callee.reoffer(both.caller.offer()) ?? '')?.[0]
    const before = ourKey()
    await using other = await pair({ codecs: ['opus'], encryption: 'SDES' })
    expect(both.callee.reoffer(other.caller.offer())).toBeUndefined()
    await hearMore(both.caller, both.callee)
    expect([before, ourKey()]).toEqual([expect.any(String), before])
    await hearMore(both.caller, both.callee)
    expect(both.callee.session.report().metrics.srtpFailures).toBe(0)
  })

  test('without an offer gets ours, and one after the end changes nothing', async () => {
    await using both = await pair()
    connect(both)
    expect(both.callee.reoffer(undefined)).toContain('m=audio')
    both.callee.stop()
    expect(both.callee.reoffer(both.caller.offer())).toContain('m=audio')
  })
})
