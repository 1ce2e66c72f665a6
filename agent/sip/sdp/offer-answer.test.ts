import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { sameCodec, telephoneEvent } from './codecs.ts'
import type { Codec, CryptoLine, Ice, SessionDescription } from './description.ts'
import { withDirection } from './hold.ts'
import type { Direction } from './hold.ts'
import type { LocalMedia } from './negotiate.ts'
import { type LocalSession, makeAnswer, makeOffer, readAnswer, type Streams } from './offer-answer.ts'
import { parseDescription } from './parse.ts'
import { writeDescription } from './write.ts'

const vectors = new URL('../../../test/vectors/sdp/', import.meta.url)
const vector = (name: string): SessionDescription => read(readFileSync(new URL(`${name}.sdp`, vectors), 'utf8'))
const Exchange = z.strictObject({ source: z.string(), offer: z.string(), answer: z.string() })
const published = z.array(Exchange).parse(JSON.parse(readFileSync(new URL('rfc4317.json', vectors), 'utf8')))

function read(sdp: string): SessionDescription {
  const outcome = parseDescription(sdp)
  if (outcome.kind === 'Malformed') throw new Error(outcome.detail)
  return outcome.description
}

const codec = (name: string, payloadType: number, clockRate = 8000, more: Partial<Codec> = {}): Codec => ({
  ...{ name, payloadType, clockRate },
  ...more,
})
const PCMU = codec('PCMU', 0)
const PCMA = codec('PCMA', 8)
const opus = codec('opus', 111, 48_000, { channels: 2, parameters: 'useinbandfec=1' })
const VP8 = codec('VP8', 96, 90_000, { feedback: ['nack', 'nack pli', 'ccm fir'] })
const H264 = codec('H264', 103, 90_000, { parameters: 'packetization-mode=1;profile-level-id=42e01f' })
const H261 = codec('H261', 31, 90_000)
const iLBC = codec('iLBC', 97)

const key = (tag: number, suite: string): CryptoLine => ({
  tag,
  suite,
  key: 'T3VycyBhcmUgdGhlc2Uga2V5cyBhbmQgc2FsdHMuLi4h',
})
const fingerprints = [{ algorithm: 'sha-256', value: 'AA:BB' }]
const ice: Ice = { ufrag: 'ours', pwd: 'ourpassword0123456789ab', candidates: [], endOfCandidates: false }

const audio = (changes: Partial<LocalMedia> = {}): LocalMedia => ({
  ...{
    kind: 'audio',
    address: '192.0.2.1',
    port: 40_000,
    profiles: ['RTP/AVP'],
    codecs: [PCMA, PCMU, telephoneEvent(101)],
  },
  ...changes,
})
const video = (changes: Partial<LocalMedia> = {}): LocalMedia => ({
  ...{ kind: 'video', address: '192.0.2.1', port: 40_002, profiles: ['RTP/AVP'], codecs: [VP8] },
  ...changes,
})
const session = (media: LocalMedia[], changes: Partial<LocalSession> = {}): LocalSession => ({
  ...{ sessionId: 4711, address: '192.0.2.1', media },
  ...changes,
})
const agreed = (streams: Streams, index = 0) => {
  const stream = streams[index]
  if (stream?.kind !== 'Agreed') throw new Error(stream?.reason)
  return stream
}
const lines = (description: SessionDescription, kind: RegExp): string[] =>
  writeDescription(description)
    .split('\r\n')
    .filter((line) => kind.test(line))

describe('examples of RFC 4317', () => {
  const everything = (kind: 'audio' | 'video', codecs: Codec[]): LocalMedia => audio({ kind, codecs })
  /** A side that can all that is in these examples. */
  const able = session([
    everything('audio', [PCMU, PCMA, iLBC, telephoneEvent(101)]),
    everything('audio', [telephoneEvent(98)]),
    everything('video', [H261, codec('MPV', 32, 90_000)]),
  ])

  test.each(published)('$source: our answer to the offer has its lines', ({ offer }) => {
    const offered = read(offer)
    const { description, streams } = makeAnswer(offered, able)
    expect(description.media.map(({ kind }) => kind)).toEqual(offered.media.map(({ kind }) => kind))
    expect(streams.map(({ kind }) => kind)).toEqual(offered.media.map(({ port }) => (port > 0 ? 'Agreed' : 'Refused')))
  })

  test.each(published)('$source: the answer is read as both sides mean it', ({ offer, answer }) => {
    const [offered, answered] = [read(offer), read(answer)]
    const local = session(
      offered.media.map(({ kind, codecs, port, direction }) =>
        audio({ kind: kind === 'video' ? 'video' : 'audio', codecs, port, direction }),
      ),
    )
    const streams = readAnswer(offered, answered, local)
    expect(streams.map(({ kind }) => kind)).toEqual(answered.media.map(({ port }) => (port > 0 ? 'Agreed' : 'Refused')))
    const chosen = streams.map((stream) => (stream.kind === 'Agreed' ? stream.codec : undefined))
    // Of the codecs of an answer only those that were offered count.
    const meant = answered.media.map(({ codecs, port }, index) =>
      codecs.find((each) => port > 0 && offered.media[index]?.codecs.some((other) => sameCodec(each, other))),
    )
    expect(chosen).toEqual(meant)
  })
})

describe('an answer', () => {
  test('to a browser takes audio and video over one transport, and refuses the rest', () => {
    const secure = { profiles: ['UDP/TLS/RTP/SAVPF'], fingerprints, ice, rtcpMux: true }
    const local = session(
      [audio({ ...secure, codecs: [opus, telephoneEvent(110, 48_000)] }), video({ ...secure, codecs: [VP8] })],
      { bundle: true },
    )
    const { description, streams } = makeAnswer(vector('browser'), local)
    expect(writeDescription(description).split('\r\n')).toEqual([
      ...['v=0', 'o=- 4711 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0', 'a=group:BUNDLE 0 1'],
      ...['m=audio 40000 UDP/TLS/RTP/SAVPF 111 110', 'a=rtpmap:111 opus/48000/2', 'a=rtpmap:110 telephone-event/48000'],
      ...['a=fmtp:111 useinbandfec=1', 'a=fmtp:110 0-16', 'a=setup:active', 'a=mid:0', 'a=sendrecv'],
      ...['a=ice-ufrag:ours', 'a=ice-pwd:ourpassword0123456789ab', 'a=rtcp-mux', 'a=fingerprint:sha-256 AA:BB'],
      ...['m=video 40000 UDP/TLS/RTP/SAVPF 96', 'a=rtpmap:96 VP8/90000'],
      ...[
        'a=rtcp-fb:96 ccm fir',
        'a=rtcp-fb:96 nack',
        'a=rtcp-fb:96 nack pli',
        'a=setup:active',
        'a=mid:1',
        'a=sendrecv',
      ],
      ...['a=ice-ufrag:ours', 'a=ice-pwd:ourpassword0123456789ab', 'a=rtcp-mux', 'a=fingerprint:sha-256 AA:BB'],
      ...['m=application 0 UDP/DTLS/SCTP webrtc-datachannel', ''],
    ])
    expect(agreed(streams).keying).toMatchObject({
      kind: 'DTLS',
      setup: 'active',
      fingerprints: [{ algorithm: 'sha-256' }],
    })
    expect(streams[2]).toEqual({ kind: 'Refused', reason: 'OtherKind' })
  })

  test('takes the H.264 that it can, whatever its level', () => {
    const local = session([
      video({ profiles: ['UDP/TLS/RTP/SAVPF'], fingerprints, codecs: [{ ...H264, payloadType: 120 }] }),
    ])
    const { streams, description } = makeAnswer(vector('browser'), local)
    expect(agreed(streams, 1).codec.payloadType).toBe(103)
    expect(lines(description, /^m=video/)).toEqual(['m=video 40002 UDP/TLS/RTP/SAVPF 103'])
  })

  test.each([
    ['Theirs', 'G722'],
    ['Ours', 'PCMU'],
  ] as const)('prefers %s order: %s', (preference, name) => {
    const crypto = [key(1, 'AES_CM_128_HMAC_SHA1_80')]
    const codecs = [PCMU, codec('G722', 9), telephoneEvent(99)]
    const { streams } = makeAnswer(
      vector('desk-phone-sdes'),
      session([audio({ profiles: ['RTP/SAVP'], crypto, codecs })], { preference }),
    )
    expect(agreed(streams)).toMatchObject({ codec: { name }, telephoneEvent: { payloadType: 101 } })
  })

  test('takes the first key that it can, under the tag of the offer', () => {
    const crypto = [key(7, 'AEAD_AES_256_GCM'), key(8, 'AES_CM_128_HMAC_SHA1_32')]
    const { streams, description } = makeAnswer(
      vector('desk-phone-sdes'),
      session([audio({ profiles: ['RTP/SAVP'], crypto })]),
    )
    expect(agreed(streams).keying).toMatchObject({ kind: 'SDES', local: { tag: 2 }, remote: { tag: 2 } })
    expect(lines(description, /^a=crypto/)).toEqual([`a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:${crypto[1]?.key}`])
  })

  test.each([
    ['desk-phone-sdes', audio({ profiles: ['RTP/SAVP'] }), 'NoCommonKeying'],
    ['desk-phone-sdes', audio(), 'OtherProfile'],
    ['browser', audio({ profiles: ['UDP/TLS/RTP/SAVPF'] }), 'NoCommonKeying'],
    ['trunk', audio({ codecs: [opus, telephoneEvent(101)] }), 'NoCommonCodec'],
    ['trunk', video(), 'OtherKind'],
    ['fax', audio(), 'OtherKind'],
  ])('%s is refused for its reason', (name, local, reason) => {
    const { streams, description } = makeAnswer(vector(name), session([local]))
    expect(streams[0]).toEqual({ kind: 'Refused', reason })
    expect(lines(description, /^m=/)[0]).toMatch(/^m=\S+ 0 /)
  })

  test.each<[Direction, Direction, Direction]>([
    ['sendrecv', 'sendrecv', 'sendrecv'],
    ['sendonly', 'sendrecv', 'recvonly'],
    ['recvonly', 'sendrecv', 'sendonly'],
    ['inactive', 'sendrecv', 'inactive'],
    ['sendrecv', 'sendonly', 'sendonly'],
    ['sendonly', 'sendonly', 'inactive'],
    ['recvonly', 'recvonly', 'inactive'],
  ])('to %s of who wants %s is %s', (theirs, ours, answered) => {
    const offer = withDirection(writeDescription(vector('trunk')), theirs)
    const { description } = makeAnswer(read(offer), session([audio({ direction: ours })]))
    expect(description.media[0]?.direction).toBe(answered)
  })

  test('to the old form of hold is inactive', () => {
    expect(makeAnswer(vector('old-hold'), session([audio()])).description.media[0]?.direction).toBe('inactive')
  })

  test('has rtcp-mux only when both can', () => {
    const offer = read(writeDescription(vector('trunk')).replace('a=ptime', 'a=rtcp-mux\r\na=ptime'))
    const muxed = (rtcpMux: boolean, description: SessionDescription) =>
      agreed(makeAnswer(description, session([audio({ rtcpMux })])).streams).rtcpMux
    expect([muxed(true, offer), muxed(false, offer), muxed(true, vector('trunk'))]).toEqual([true, false, false])
  })

  test('to any offer is a description with the same lines in the same order', () => {
    const secure = { crypto: [key(1, 'AES_CM_128_HMAC_SHA1_80')], fingerprints, ice, rtcpMux: true }
    const profiles = ['RTP/AVP', 'RTP/SAVP', 'UDP/TLS/RTP/SAVPF']
    const local = session(
      [audio({ ...secure, profiles, codecs: [opus, PCMA, telephoneEvent(101)] }), video({ ...secure, profiles })],
      { bundle: true },
    )
    const attribute = fc.constantFrom(
      ...[
        'rtpmap:96 opus/48000/2',
        'rtpmap:97 VP8/90000',
        'rtpmap:98 telephone-event/48000',
        'rtcp-mux',
        'mid:a',
        'mid:b',
      ],
      ...[
        'crypto:3 AES_CM_128_HMAC_SHA1_80 inline:YWJj',
        'fingerprint:sha-256 AB:CD',
        'setup:active',
        'setup:holdconn',
      ],
      ...['sendonly', 'inactive', 'bundle-only', 'ice-ufrag:x', 'ice-pwd:y', 'ptime:30', 'rtcp:9', 'unheard-of:1'],
    )
    const stream = fc.record({
      kind: fc.constantFrom('audio', 'video', 'image', 'application', 'message'),
      port: fc.constantFrom(0, 9, 5004, 65_535),
      profile: fc.constantFrom('RTP/AVP', 'RTP/SAVP', 'RTP/SAVPF', 'UDP/TLS/RTP/SAVPF', 'udptl', 'TCP/MSRP'),
      formats: fc.array(fc.constantFrom('0', '8', '96', '97', '98', '200', 't38', '*'), { minLength: 1 }),
      attributes: fc.array(attribute),
    })
    fc.assert(
      fc.property(fc.array(stream), fc.boolean(), (streams, bundled) => {
        const offer = [
          ...['v=0', 'o=- 1 1 IN IP4 192.0.2.2', 's=-', 'c=IN IP4 192.0.2.2', 't=0 0'],
          ...(bundled ? ['a=group:BUNDLE a b'] : []),
          ...streams.flatMap(({ kind, port, profile, formats, attributes }) => [
            `m=${kind} ${port} ${profile} ${formats.join(' ')}`,
            ...attributes.map((each) => `a=${each}`),
          ]),
        ]
        const made = makeAnswer(read(`${offer.join('\r\n')}\r\n`), local)
        const answer = read(writeDescription(made.description))
        expect(answer.media.map(({ kind, profile }) => [kind, profile])).toEqual(
          streams.map(({ kind, profile }) => [kind, profile]),
        )
        for (const [index, media] of answer.media.entries()) {
          expect(media.formats.length).toBeGreaterThan(0)
          expect(streams[index]?.formats).toEqual(expect.arrayContaining([...media.formats]))
          expect(made.streams[index]?.kind).toBe(media.port > 0 ? 'Agreed' : 'Refused')
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('an offer', () => {
  test('of everything is answered by the same code with everything', () => {
    const secure = { profiles: ['UDP/TLS/RTP/SAVPF'], fingerprints, ice, rtcpMux: true }
    const local = session([audio({ ...secure, mid: '0', codecs: [opus, PCMA] }), video({ ...secure, mid: '1' })], {
      ...{ bundle: true, iceLite: true },
    })
    const offer = makeOffer(local)
    expect(offer.bundles).toEqual([['0', '1']])
    const { description, streams } = makeAnswer(read(writeDescription(offer)), local)
    const ours = readAnswer(offer, read(writeDescription(description)), local)
    expect(ours.map(({ kind }) => kind)).toEqual(['Agreed', 'Agreed'])
    expect([agreed(streams).keying, agreed(ours).keying]).toMatchObject([{ setup: 'active' }, { setup: 'passive' }])
  })

  test('of keys under plain RTP may be left or taken', () => {
    const local = session([audio({ crypto: [key(1, 'AES_CM_128_HMAC_SHA1_80')] })])
    const offer = makeOffer(local)
    const plain = makeAnswer(offer, session([audio()]))
    expect(agreed(readAnswer(offer, plain.description, local)).keying).toEqual({ kind: 'None' })
    const taken = makeAnswer(offer, local)
    expect(agreed(readAnswer(offer, taken.description, local)).keying).toMatchObject({
      kind: 'SDES',
      local: { tag: 1 },
    })
  })

  test('is not answered with a key under another tag', () => {
    const crypto = [key(1, 'AES_CM_128_HMAC_SHA1_80')]
    const local = session([audio({ profiles: ['RTP/SAVP'], crypto })])
    const offer = makeOffer(local)
    const { media, ...rest } = makeAnswer(offer, local).description
    const other = { ...rest, media: media.map((each) => ({ ...each, crypto: [key(2, 'AES_CM_128_HMAC_SHA1_80')] })) }
    expect(readAnswer(offer, other, local)).toEqual([{ kind: 'Refused', reason: 'NoCommonKeying' }])
  })

  test('with keys is not answered without', () => {
    const crypto = [key(1, 'AES_CM_128_HMAC_SHA1_80')]
    const local = session([audio({ profiles: ['RTP/SAVP', 'RTP/AVP'], crypto })])
    const plain = makeAnswer(makeOffer(session([audio()])), session([audio()])).description
    expect(readAnswer(makeOffer(local), plain, local)).toEqual([{ kind: 'Refused', reason: 'OtherProfile' }])
  })

  test('keeps each line in its place, whatever goes and comes', () => {
    const first = makeOffer(session([audio({ mid: 'a' }), video({ mid: 'v' })]))
    const second = makeOffer(session([video({ mid: 'v' })], { previous: first }))
    expect(lines(second, /^m=/)).toEqual(['m=audio 0 RTP/AVP 8', 'm=video 40002 RTP/AVP 96'])
    const third = makeOffer(session([video(), audio({ port: 40_010 }), audio({ port: 40_020 })], { previous: second }))
    expect(lines(third, /^m=/)).toEqual([
      ...['m=audio 40010 RTP/AVP 8 0 101', 'm=video 40002 RTP/AVP 96', 'm=audio 40020 RTP/AVP 8 0 101'],
    ])
    expect([first, second, third].map(({ origin }) => origin.version)).toEqual(['1', '2', '3'])
    expect(third.media[1]?.mid).toBe('v')
  })

  test('ends a stream whose port is 0', () => {
    expect(lines(makeOffer(session([audio(), video({ port: 0 })])), /^m=/)).toEqual([
      ...['m=audio 40000 RTP/AVP 8 0 101', 'm=video 0 RTP/AVP 96'],
    ])
  })

  test('that changes nothing keeps its version', () => {
    const first = makeOffer(session([audio()]))
    expect(makeOffer(session([audio()], { previous: first }))).toEqual(first)
    expect(makeOffer(session([audio({ direction: 'sendonly' })], { previous: first })).origin.version).toBe('2')
  })

  test('gives no number another meaning than before', () => {
    const previous = makeAnswer(
      read(writeDescription(makeOffer(session([audio({ codecs: [codec('opus', 101, 48_000, { channels: 2 })] })])))),
      session([audio({ codecs: [opus] })]),
    ).description
    const codecs = [opus, PCMA, telephoneEvent(101)]
    expect(lines(makeOffer(session([audio({ codecs })], { previous })), /^m=/)).toEqual([
      'm=audio 40000 RTP/AVP 101 8 96',
    ])
  })

  test('is answered with less when a line is missing', () => {
    const local = session([audio(), video()])
    const offer = makeOffer(local)
    const { description } = makeAnswer(offer, local)
    const short = { ...description, media: description.media.slice(0, 1) }
    expect(readAnswer(offer, short, local).map(({ kind }) => kind)).toEqual(['Agreed', 'Refused'])
  })
})

describe('H.264', () => {
  const h264 = (parameters: string | undefined) =>
    codec('h264', 99, 90_000, parameters === undefined ? {} : { parameters })
  test.each([
    ['profile-level-id=42e01f;packetization-mode=1', true],
    ['packetization-mode=1; profile-level-id=42C00D', true],
    ['packetization-mode=1;profile-level-id=4d8020', true],
    ['packetization-mode=1;profile-level-id=42001f', false],
    ['packetization-mode=1;profile-level-id=640c1f', false],
    ['profile-level-id=42e01f', false],
    [undefined, false],
  ])('%s is ours: %s', (parameters, same) => {
    expect(sameCodec(h264(parameters), H264)).toBe(same)
  })
})
