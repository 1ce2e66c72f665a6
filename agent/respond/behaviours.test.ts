import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { behaviourOf, behaviours } from './behaviours.ts'
import type { Behaviour } from './behaviours.ts'

const answered = { kind: 'Answer', provisional: [], answerAfter: 0 } as const
const echo = { kind: 'Echo', lossPercent: 0 } as const

const expected: ReadonlyArray<readonly [user: string, behaviour: Behaviour]> = [
  ['echo', { ...answered, playback: echo }],
  ['tone', { ...answered, playback: { kind: 'Tone' } }],
  ['silence', { ...answered, playback: { kind: 'Silence' } }],
  ['busy', { kind: 'Reject', code: 486 }],
  ['reject-503', { kind: 'Reject', code: 503 }],
  ['reject-300', { kind: 'Reject', code: 300 }],
  ['reject-699', { kind: 'Reject', code: 699 }],
  ['ring-5s', { kind: 'Answer', provisional: [{ after: 0, code: 180 }], answerAfter: 5000, playback: echo }],
  ['ring-120s', { kind: 'Answer', provisional: [{ after: 0, code: 180 }], answerAfter: 120_000, playback: echo }],
  [
    'late-180',
    {
      kind: 'Answer',
      provisional: [
        { after: 0, code: 100 },
        { after: 4000, code: 180 },
      ],
      answerAfter: 5000,
      playback: echo,
    },
  ],
  ['noanswer', { kind: 'Ring' }],
  ['drop', { kind: 'Ignore' }],
  ['hangup-3s', { ...answered, playback: echo, hangupAfter: 3000 }],
  ['loss-0', { ...answered, playback: echo }],
  ['loss-5', { ...answered, playback: { kind: 'Echo', lossPercent: 5 } }],
  ['loss-100', { ...answered, playback: { kind: 'Echo', lossPercent: 100 } }],
]

describe('each user has its behaviour', () => {
  test.each(expected)('%s', (user, behaviour) => expect(behaviourOf(user)).toEqual(behaviour))

  test('every row of the table is among them', () => {
    const unseen = behaviours.filter(({ user }) => {
      const form = new RegExp(`^${user.replace(/N+/, '\\d+')}$`)
      return !expected.some(([example]) => form.test(example))
    })
    expect(unseen).toEqual([])
  })
})

describe('what it does not know is a 404 that says why', () => {
  test.each([
    ['reject-200', 'reject-NNN takes 300 to 699'],
    ['reject-700', 'reject-NNN takes 300 to 699'],
    ['ring-0s', 'ring-Ns takes 1 to 120'],
    ['ring-121s', 'ring-Ns takes 1 to 120'],
    ['hangup-0s', 'hangup-Ns takes 1 to 120'],
    ['loss-101', 'loss-N takes 0 to 100'],
    ['Echo', 'No such behaviour'],
    ['', 'No such behaviour'],
    ['reject-5030', 'No such behaviour'],
    ['ring-5', 'No such behaviour'],
    ['ivr', 'No such behaviour'],
  ])('%s', (user, reason) => expect(behaviourOf(user)).toEqual({ kind: 'Reject', code: 404, reason }))

  test('any text has a behaviour, and none answers with a code outside 300 to 699', () => {
    const parts = fc.constantFrom('echo', 'reject-', 'ring-', 'loss-', 'hangup-', 's', '5', '42', '999', ' ', '@')
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(parts).map((list) => list.join('')),
        ),
        (user) => {
          const behaviour = behaviourOf(user)
          expect(behaviour.kind !== 'Reject' || (behaviour.code >= 300 && behaviour.code <= 699)).toBe(true)
        },
      ),
    )
  })
})
