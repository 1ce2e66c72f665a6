/** The combinations of codec, encryption and ICE that calls can have, and what is expected of each. No test is in here. */
import { expect } from 'vitest'
import type { CallResult } from '../../agent/api/protocol.ts'
import { type Called, judged, type MediaPlan } from './called.ts'

export const codecs = ['PCMA', 'PCMU', 'G722', 'Opus'] as const
export const encryptions = ['None', 'SDES', 'Optional', 'DTLS'] as const
export const ices = ['None', 'Lite', 'Full'] as const

export interface Wanted {
  readonly codec: (typeof codecs)[number]
  readonly encryption: (typeof encryptions)[number]
  readonly ice: (typeof ices)[number]
}

/** All of them. */
export const cases: readonly Wanted[] = codecs.flatMap((codec) =>
  encryptions.flatMap((encryption) => ices.map((ice) => ({ codec, encryption, ice }))),
)

/** Each encryption with each form of ICE, the codecs in turn. */
export const ways: readonly Wanted[] = encryptions.flatMap((encryption, row) =>
  ices.map((ice, column) => ({ codec: codecs[(row + column) % codecs.length] ?? 'PCMA', encryption, ice })),
)

/** The features of media.md that a call shows of ICE. */
export const forms = { None: [], Lite: ['ice-lite'], Full: ['ice-full'] } as const

export function mediaOf(
  { codec, encryption, ice }: Wanted,
  more: Partial<MediaPlan> = {},
): Omit<MediaPlan, 'jitterBuffer'> {
  return {
    audio: { codec, ptime: 20, source: { kind: 'Speech' } },
    ...(encryption !== 'None' && { encryption }),
    ...(ice !== 'None' && { ice: { mode: ice, stun: [], turn: [] } }),
    ...more,
  }
}

/** Each side heard the other all the time: ours came back whole, at its level. Throws what the agent says of itself when it was too slow. */
export function expectIntact(result: Called): void {
  judged(result, () => expectWhole(result))
}

function expectWhole({ metrics, findings, failureClass, message }: CallResult): void {
  expect([failureClass, message]).toEqual([undefined, 'It went as it should.'])
  expect(findings).toEqual([])
  expect(metrics).toMatchObject({ packetLoss: 0, oneWayAudio: 0 })
  expect(metrics.echoDelay).toBeLessThan(1000)
  expect(Math.abs(metrics.echoLoss ?? NaN)).toBeLessThan(6)
  expect(Math.abs((metrics.audioLevel ?? NaN) - -26.8)).toBeLessThan(3)
}

/** The first of ours by SDES, and of those that a handshake can have, which every peer takes. */
const suites = {
  None: undefined,
  SDES: 'AES_CM_128_HMAC_SHA1_80',
  Optional: 'AES_CM_128_HMAC_SHA1_80',
  DTLS: 'AEAD_AES_128_GCM',
} as const

/** It is as it was wanted, and the result says so. */
export function expectAgreed({ media, metrics }: CallResult, { codec, encryption, ice }: Wanted): void {
  expect(media?.codec).toBe(codec === 'Opus' ? 'opus' : codec)
  expect(media?.suite).toBe(suites[encryption])
  expect(media?.dtls === undefined).toBe(encryption !== 'DTLS')
  expect(media?.ice?.local).toBe(ice === 'None' ? undefined : 'host')
  expect(metrics.dtlsRehandshakes).toBe(encryption === 'DTLS' ? 0 : undefined)
  expect(metrics.srtpFailures === undefined).toBe(encryption === 'None')
}
