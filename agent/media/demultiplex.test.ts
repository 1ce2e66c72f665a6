import { expect, test } from 'vitest'
import { kindOf } from './demultiplex.ts'

test('the ranges of RFC 7983 7, each first octet in one of them', () => {
  const kinds = Array.from({ length: 256 }, (_, first) => kindOf(Uint8Array.of(first, 0, 0, 0)))
  const ranges = kinds.flatMap((kind, first) => (kind === kinds[first - 1] ? [] : [[first, kind]]))
  expect(ranges).toEqual([
    ...[
      [0, 'STUN'],
      [4, 'Unknown'],
      [20, 'DTLS'],
    ],
    ...[
      [64, 'Unknown'],
      [128, 'RTP'],
      [192, 'Unknown'],
    ],
  ])
})

test('RTP and RTCP by their second octet', () => {
  const kinds = Array.from({ length: 256 }, (_, second) => kindOf(Uint8Array.of(0x80, second)))
  expect(kinds.flatMap((kind, second) => (kind === kinds[second - 1] ? [] : [[second, kind]]))).toEqual([
    [0, 'RTP'],
    [192, 'RTCP'],
    [224, 'RTP'],
  ])
})

test('nothing at all is unknown, and a lone octet has a kind', () => {
  expect(kindOf(new Uint8Array())).toBe('Unknown')
  expect(kindOf(Uint8Array.of(22))).toBe('DTLS')
  expect(kindOf(Uint8Array.of(128))).toBe('RTP')
})
