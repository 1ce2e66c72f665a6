import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Direction } from './hold.ts'
import { type AudioCodec, buildAnswer, buildOffer, type LocalAudio, readAudio } from './sdp.ts'

const local: LocalAudio = {
  address: '192.0.2.1',
  rtpPort: 40_000,
  rtcpPort: 40_001,
  codecs: ['PCMA', 'PCMU'],
  ptime: 20,
  sessionId: 4711,
}

const both: AudioCodec[] = ['PCMA', 'PCMU']

function described(...media: string[]): string {
  return ['v=0', 'o=- 1 1 IN IP4 192.0.2.2', 's=-', 'c=IN IP4 192.0.2.2', 't=0 0', ...media, ''].join('\r\n')
}

function usable(sdp: string, codecs = both) {
  const outcome = readAudio(sdp, codecs)
  if (outcome.kind === 'Unusable') throw new Error(outcome.detail)
  return outcome.audio
}

describe('an offer', () => {
  test('holds the codecs in their order, telephone-event, ptime, address and port', () => {
    expect(buildOffer(local).split('\r\n')).toEqual([
      'v=0',
      'o=- 4711 1 IN IP4 192.0.2.1',
      's=-',
      'c=IN IP4 192.0.2.1',
      't=0 0',
      'm=audio 40000 RTP/AVP 8 0 101',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-16',
      'a=ptime:20',
      'a=sendrecv',
      '',
    ])
  })

  test('names the RTCP port only when it is not the next one', () => {
    expect(buildOffer(local)).not.toContain('a=rtcp:')
    expect(buildOffer({ ...local, rtcpPort: 40_007 })).toContain('a=rtcp:40007\r\n')
  })

  test('says IP6 for an IPv6 address', () => {
    expect(buildOffer({ ...local, address: '::1' })).toContain('c=IN IP6 ::1\r\n')
  })

  test('is read as what went in, whatever that was', () => {
    fc.assert(
      fc.property(
        fc.record({
          address: fc.oneof(fc.ipV4(), fc.constant('2001:db8::1')).filter((each) => each !== '0.0.0.0'),
          rtpPort: fc.integer({ min: 1024, max: 65_000 }),
          rtcpPort: fc.integer({ min: 1024, max: 65_000 }),
          ptime: fc.constantFrom(10, 20, 30, 40, 60),
          codecs: fc.constantFrom<AudioCodec[]>(['PCMA'], ['PCMU'], ['PCMA', 'PCMU'], ['PCMU', 'PCMA']),
          direction: fc.constantFrom<Direction>('sendrecv', 'sendonly', 'recvonly', 'inactive'),
          sessionId: fc.nat(),
        }),
        (offered) => {
          const { address, rtpPort, rtcpPort, ptime, codecs, direction } = offered
          const audio = usable(buildOffer(offered))
          expect(audio).toMatchObject({
            address,
            rtpPort,
            rtcpPort,
            ptime,
            direction,
            codec: codecs[0],
            telephoneEvent: 101,
          })
        },
      ),
    )
  })
})

describe('reading a peer', () => {
  test('the peer decides by its order', () => {
    expect(usable(described('m=audio 6000 RTP/AVP 0 8')).codec).toBe('PCMU')
    expect(usable(described('m=audio 6000 RTP/AVP 8 0')).codec).toBe('PCMA')
  })

  test('static payload types need no rtpmap, dynamic ones may carry a known codec', () => {
    expect(usable(described('m=audio 6000 RTP/AVP 8'))).toMatchObject({ codec: 'PCMA', payloadType: 8 })
    expect(usable(described('m=audio 6000 RTP/AVP 96', 'a=rtpmap:96 pcmu/8000'))).toMatchObject({
      codec: 'PCMU',
      payloadType: 96,
    })
  })

  test('the address of the stream goes before that of the session, rtcp names its own port', () => {
    const audio = usable(described('m=audio 6000 RTP/AVP 0', 'c=IN IP4 192.0.2.9', 'a=rtcp:6500 IN IP4 192.0.2.9'))
    expect(audio).toMatchObject({ address: '192.0.2.9', rtpPort: 6000, rtcpPort: 6500 })
  })

  test('ptime is 20 ms unless it says otherwise, and never above maxptime', () => {
    expect(usable(described('m=audio 6000 RTP/AVP 0')).ptime).toBe(20)
    expect(usable(described('m=audio 6000 RTP/AVP 0', 'a=ptime:30')).ptime).toBe(30)
    expect(usable(described('m=audio 6000 RTP/AVP 0', 'a=ptime:60', 'a=maxptime:40')).ptime).toBe(40)
  })

  test('0.0.0.0 is the old way to hold', () => {
    expect(usable(described('m=audio 6000 RTP/AVP 0', 'c=IN IP4 0.0.0.0')).direction).toBe('inactive')
  })

  test.each([
    ['Empty', ''],
    ['Malformed', 'hello'],
    ['NoAudio', described('m=video 6000 RTP/AVP 31')],
    ['AudioRefused', described('m=audio 0 RTP/AVP 0')],
    ['WrongProfile', described('m=audio 6000 RTP/SAVP 0')],
    ['NoAddress', described('m=audio 6000 RTP/AVP 0').replace('c=IN IP4 192.0.2.2\r\n', '')],
    ['NoCommonCodec', described('m=audio 6000 RTP/AVP 18')],
    ['NoCommonCodec', described('m=audio 6000 RTP/AVP 0', 'a=rtpmap:0 PCMU/16000')],
  ])('%s is the reason for %j', (reason, sdp) => {
    expect(readAudio(sdp, both)).toMatchObject({ kind: 'Unusable', reason })
  })

  test('no input makes it throw', () => {
    const line = fc.tuple(
      fc.constantFrom('v', 'o', 's', 'i', 'c', 't', 'm', 'a', 'b', 'r', 'k', 'z'),
      fc.oneof(fc.string(), fc.constantFrom('audio 1 RTP/AVP 0', 'IN IP4 5', 'rtpmap:0 7/8000', '- 1 1 IN IP4 a', '0')),
    )
    fc.assert(
      fc.property(fc.array(line), fc.string(), (lines, tail) => {
        const sdp = lines.map(([type, value]) => `${type}=${value}`).join('\r\n') + tail
        expect(['Usable', 'Unusable']).toContain(readAudio(sdp, both).kind)
        expect(['Answer', 'Unusable']).toContain(buildAnswer(sdp, local).kind)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('an answer', () => {
  const offer = described(
    'm=video 7000 RTP/AVP 31',
    'm=audio 6000 RTP/AVP 18 0 8 97',
    'a=rtpmap:97 telephone-event/8000',
    'm=audio 6010 RTP/AVP 0',
  )

  test('takes one codec under the numbers of the offer and refuses every other stream', () => {
    const answer = buildAnswer(offer, local)
    if (answer.kind === 'Unusable') throw new Error(answer.detail)
    expect(answer.audio).toMatchObject({ codec: 'PCMU', payloadType: 0, rtpPort: 6000, telephoneEvent: 97 })
    expect(answer.sdp.match(/^m=.*$/gm)).toEqual([
      'm=video 0 RTP/AVP 31',
      'm=audio 40000 RTP/AVP 0 97',
      'm=audio 0 RTP/AVP 0',
    ])
    expect(answer.sdp).toContain('a=rtpmap:97 telephone-event/8000\r\n')
  })

  test('to our own offer gives both sides the same codec', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<AudioCodec[]>(['PCMA'], ['PCMU'], ['PCMA', 'PCMU'], ['PCMU', 'PCMA']),
        fc.constantFrom<AudioCodec[]>(['PCMA', 'PCMU'], ['PCMU', 'PCMA']),
        (offered, answered) => {
          const answer = buildAnswer(buildOffer({ ...local, codecs: offered }), { ...local, codecs: answered })
          if (answer.kind === 'Unusable') throw new Error(answer.detail)
          expect(usable(answer.sdp, offered).codec).toBe(answer.audio.codec)
        },
      ),
    )
  })

  test.each([
    ['sendrecv', 'sendrecv'],
    ['sendonly', 'recvonly'],
    ['recvonly', 'sendonly'],
    ['inactive', 'inactive'],
  ])('to %s says %s', (offered, answered) => {
    const answer = buildAnswer(described('m=audio 6000 RTP/AVP 0', `a=${offered}`), local)
    expect(answer).toMatchObject({ kind: 'Answer', sdp: expect.stringContaining(`a=${answered}\r\n`) })
  })

  test('is not made when there is nothing in common', () => {
    expect(buildAnswer(described('m=audio 6000 RTP/AVP 18'), local)).toMatchObject({ reason: 'NoCommonCodec' })
  })
})
