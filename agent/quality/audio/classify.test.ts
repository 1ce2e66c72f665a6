/** The bounds of what was heard, in numbers: what stands on either side of each. */
import { describe, expect, test } from 'vitest'
import type { CharacterSummary } from './character.ts'
import { classify, soundOf } from './classify.ts'

/** 32 s of speech by G.711. */
const speech: CharacterSummary = {
  frames: 1000,
  silent: 300,
  fluctuation: 12,
  strongest: 270,
  votes: { forThis: 400, forOther: 0, forNone: 5 },
}
const packets = { audio: 1600, otherPayloadType: 0, undecodable: 0 }

test.each([
  ['TooShort', { frames: 62 }],
  ['Silence', { silent: 994 }],
  ['Other', { silent: 993 }],
  ['Noise', { silent: 100, fluctuation: 3 }],
  ['Noise', { silent: 0, fluctuation: 1.7 }],
  ['Other', { silent: 101, fluctuation: 2 }],
  ['Other', { silent: 0, fluctuation: 3.1 }],
  ['Tone', { silent: 850, fluctuation: 1.5 }],
  ['Other', { silent: 851, fluctuation: 1 }],
  ['Other', { silent: 0, fluctuation: 1.6 }],
] as const)('%s: %j', (sound, part) => {
  expect(soundOf({ ...speech, ...part })).toBe(sound)
})

describe('a wrong reading needs more than a doubt', () => {
  const reason = (votes: Required<CharacterSummary>['votes']) =>
    classify({ character: { ...speech, votes }, packets, echo: { kind: 'Absent', reason: 'NotFound' } })?.reason

  test.each([
    ['OtherLaw', { forThis: 20, forOther: 100, forNone: 0 }],
    [undefined, { forThis: 21, forOther: 100, forNone: 0 }],
    [undefined, { forThis: 0, forOther: 31, forNone: 0 }],
    ['NoAudio', { forThis: 0, forOther: 0, forNone: 350 }],
    [undefined, { forThis: 0, forOther: 0, forNone: 349 }],
  ] as const)('%s: %j', (expected, votes) => {
    expect(reason(votes)).toBe(expected)
  })
})
