import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SessionDescription } from './description.ts'
import { parseDescription } from './parse.ts'
import { writeDescription } from './write.ts'

const vector = (name: string): string =>
  readFileSync(new URL(`../../../test/vectors/sdp/${name}.sdp`, import.meta.url), 'utf8')

function read(sdp: string): SessionDescription {
  const outcome = parseDescription(sdp)
  if (outcome.kind === 'Malformed') throw new Error(outcome.detail)
  return outcome.description
}

describe('descriptions as they are met', () => {
  test('a browser', () => {
    const { bundles, media } = read(vector('browser'))
    expect(bundles).toEqual([['0', '1', '2']])
    expect(media.map(({ kind, profile, mid }) => [kind, profile, mid])).toEqual([
      ['audio', 'UDP/TLS/RTP/SAVPF', '0'],
      ['video', 'UDP/TLS/RTP/SAVPF', '1'],
      ['application', 'UDP/DTLS/SCTP', '2'],
    ])
    const [audio, video, data] = media
    expect(audio).toMatchObject({ direction: 'sendrecv', rtcpMux: true, setup: 'actpass' })
    expect(audio?.codecs[0]).toEqual({
      ...{ name: 'opus', payloadType: 111, clockRate: 48_000, channels: 2 },
      ...{ parameters: 'minptime=10;useinbandfec=1', feedback: ['transport-cc'] },
    })
    expect(audio?.fingerprints).toMatchObject([{ algorithm: 'sha-256' }])
    expect(audio?.ice).toMatchObject({ ufrag: '4ZcD', pwd: '2/1muCWoOi3uLifh0NuRHlbJ', options: 'trickle' })
    expect(audio?.ice?.candidates.map(({ type, tcpType, related }) => [type, tcpType, related?.port])).toEqual([
      ['host', undefined, undefined],
      ['host', 'active', undefined],
      ['srflx', undefined, 46_243],
    ])
    expect(video?.codecs[0]?.feedback).toEqual(['goog-remb', 'transport-cc', 'ccm fir', 'nack', 'nack pli'])
    expect(data).toMatchObject({ formats: ['webrtc-datachannel'], codecs: [] })
  })

  test.each(['1 1 UDP 1 127.0.0.1 0', '1 1 UDP 1 127.0.0.1 70000', '1 0 UDP 1 127.0.0.1 9', '1 1 UDP 0 127.0.0.1 9'])(
    'a candidate that cannot be is passed over: %s',
    (candidate) => {
      const lines = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 9 RTP/AVP 0']
      const ice = ['a=ice-ufrag:abcd', 'a=ice-pwd:0123456789012345678901', 'a=candidate:2 1 UDP 1 127.0.0.1 9 typ host']
      const sdp = [...lines, ...ice, `a=candidate:${candidate} typ host`, ''].join('\r\n')
      expect(read(sdp).media[0]?.ice?.candidates.map(({ foundation }) => foundation)).toEqual(['2'])
    },
  )

  test('keys of SDES, but for a line with a parameter that must be understood', () => {
    const [audio] = read(vector('desk-phone-sdes')).media
    const one = { tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80', lifetime: '2^31', mki: '1:4' }
    const two = { tag: 2, suite: 'AES_CM_128_HMAC_SHA1_32', lifetime: undefined, mki: undefined }
    expect(audio?.crypto).toMatchObject([one, two])
    expect(audio?.crypto[1]?.key).toBe('YjMzODMzNTBkMWQ0Y2M2MzAyYjA3NzE3ZDRmOTNi')
  })

  test('hold in its old form', () => {
    expect(read(vector('old-hold')).media[0]).toMatchObject({ address: '0.0.0.0', direction: 'inactive' })
  })

  test('what the session says holds for a stream that says nothing', () => {
    const [audio, video] = read(vector('ipv6')).media
    expect(audio).toMatchObject({ address: '2001:db8::21', direction: 'sendonly', ptime: 30 })
    expect(audio?.rtcp).toEqual({ port: 5070, address: '2001:db8::22' })
    expect(video).toMatchObject({ address: '2001:db8::23', direction: 'recvonly', ptime: 30 })
  })

  test('a media server that says all for the session, in numbers that are text', () => {
    const { iceLite, media } = read(vector('dtls-session-level'))
    expect(iceLite).toBe(true)
    expect(media[0]).toMatchObject({
      setup: 'passive',
      fingerprints: [{ algorithm: 'sha-1' }, { algorithm: 'sha-256' }],
      ice: {
        ufrag: '0123',
        pwd: '0123456789012345678901',
        remoteCandidates: '1 192.0.2.10 46243',
        endOfCandidates: true,
      },
    })
    expect(media[0]?.ice?.candidates[0]?.foundation).toBe('0812345')
  })

  test('a fax is a stream without codecs', () => {
    expect(read(vector('fax')).media[0]).toMatchObject({
      kind: 'image',
      profile: 'udptl',
      formats: ['t38'],
      codecs: [],
    })
  })

  test.each(['browser', 'desk-phone-sdes', 'trunk', 'ipv6', 'dtls-session-level', 'fax'])(
    '%s is written as it was read',
    (name) => {
      const before = read(vector(name))
      expect(read(writeDescription(before))).toEqual(before)
    },
  )
})

describe('bounds', () => {
  const start = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n'
  test.each([
    ['Empty', ' \r\n'],
    ['TooLong', `${start}${'a=x\r\n'.repeat(20_000)}`],
    ['LineTooLong', `${start}a=${'x'.repeat(5_000)}\r\n`],
    ['TooManyStreams', start + 'm=audio 9 RTP/AVP 0\r\n'.repeat(65)],
    ['TooManyFormats', `${start}m=audio 9 RTP/AVP${' 0'.repeat(129)}\r\n`],
    ['NoVersion', start.replace('v=0', 'v=1')],
    ['NoOrigin', start.replace(/o=.*\r\n/, '')],
    ['BadMedia', `${start}m=audio\r\n`],
    ['BadMedia', `${start}m=audio 70000 RTP/AVP 0\r\n`],
    ['BadMedia', `${start}m=audio 9 RTP/AVP\r\n`],
  ])('%s is said', (reason, sdp) => {
    expect(parseDescription(sdp)).toMatchObject({ kind: 'Malformed', reason })
  })

  test('a number of ports is passed over', () => {
    expect(read(`${start}m=audio 49170/2 RTP/AVP 0\r\n`).media[0]).toMatchObject({ port: 49_170, formats: ['0'] })
  })

  test('no input makes it throw', () => {
    const line = fc.tuple(
      fc.constantFrom('v', 'o', 's', 'i', 'c', 't', 'm', 'a', 'b', 'z'),
      fc.oneof(
        fc.string(),
        fc.constantFrom('audio 1 RTP/AVP 0 96', 'IN IP4 5', 'rtpmap:96 x', 'rtpmap:0 7/8000/0', '- 1 1 IN IP4 a', '0'),
        fc.constantFrom('fmtp:96', 'crypto:1 A inline:', 'fingerprint:a b', 'candidate:1', 'group:BUNDLE ', 'ptime:.'),
        fc.constantFrom('rtcp-fb:* nack', 'ice-ufrag:1', 'ice-pwd:2', 'rtcp:9 IN IP9 x', 'mid:', 'setup:x'),
      ),
    )
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const sdp = lines.map(([type, value]) => `${type}=${value}`).join('\r\n')
        const outcome = parseDescription(`v=0\r\no=- 1 1 IN IP4 a\r\n${sdp}`)
        if (outcome.kind === 'Description') writeDescription(outcome.description)
        expect(['Description', 'Malformed']).toContain(outcome.kind)
      }),
      { numRuns: 2000 },
    )
  })
})
