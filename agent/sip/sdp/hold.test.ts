import { describe, expect, test } from 'vitest'
import { held, withDirection } from './hold.ts'

const sdp = (version: number | string, ...media: string[]): string =>
  ['v=0', `o=- 4711 ${version} IN IP4 192.0.2.1`, 's=-', 'c=IN IP4 192.0.2.1', 't=0 0', ...media, ''].join('\r\n')

const audio = 'm=audio 40000 RTP/AVP 8 101'

describe('hold and resume', () => {
  test('the direction changes, the version rises, all else stays', () => {
    const talking = sdp(1, audio, 'a=rtpmap:8 PCMA/8000', 'a=sendrecv', 'a=mid:0')
    const onHold = withDirection(talking, 'sendonly')
    expect(onHold).toBe(sdp(2, audio, 'a=rtpmap:8 PCMA/8000', 'a=mid:0', 'a=sendonly'))
    expect(withDirection(talking, (was) => was, onHold)).toBe(
      sdp(3, audio, 'a=rtpmap:8 PCMA/8000', 'a=mid:0', 'a=sendrecv'),
    )
  })

  test.each([
    ['sendrecv', 'sendonly'],
    ['sendonly', 'sendonly'],
    ['recvonly', 'inactive'],
    ['inactive', 'inactive'],
  ] as const)('a stream that is %s is %s on hold', (was, becomes) => {
    expect(withDirection(sdp(1, audio, `a=${was}`), held)).toContain(`a=${becomes}\r\n`)
  })

  test('a direction of the session holds for its streams, each of which then has its own', () => {
    const all = sdp(1, audio, 'm=video 40002 RTP/AVP 96', 'a=recvonly').replace('t=0 0', 't=0 0\r\na=inactive')
    const changed = withDirection(all, (was) => (was === 'inactive' ? 'sendonly' : 'sendrecv'))
    expect(changed).toBe(sdp(2, audio, 'a=sendonly', 'm=video 40002 RTP/AVP 96', 'a=sendrecv'))
  })

  test('a refused stream gets none', () => {
    expect(withDirection(sdp(1, audio, 'm=video 0 RTP/AVP 96'), 'inactive')).toBe(
      sdp(2, audio, 'a=inactive', 'm=video 0 RTP/AVP 96'),
    )
  })

  test('a version may be larger than a number of JavaScript', () => {
    expect(withDirection(sdp('18446744073709551614', audio), 'sendrecv')).toContain(' 18446744073709551615 IN')
  })
})
