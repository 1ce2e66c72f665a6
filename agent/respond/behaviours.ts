/** What each user of the responder does, as one table; it answers no call itself. */

/** What is sent into an answered call. `lossPercent`: how many of a hundred packets the echo loses. */
export type Playback =
  { kind: 'Echo'; lossPercent: number } | { kind: 'Tone' } | { kind: 'Speech' } | { kind: 'Silence' }

/** A provisional response, and when it is sent: milliseconds after the INVITE. */
export interface Provisional {
  after: number
  code: number
}

export type Behaviour =
  | {
      kind: 'Answer'
      provisional: readonly Provisional[]
      /** Milliseconds from the INVITE to its 200. */
      answerAfter: number
      playback: Playback
      /** Milliseconds from the 200 to our BYE; absent: the caller hangs up. */
      hangupAfter?: number
    }
  | { kind: 'Reject'; code: number; reason?: string }
  /** 180, and no more until the caller gives up. */
  | { kind: 'Ring' }
  /** No response at all. */
  | { kind: 'Ignore' }

interface Row {
  /** The user part of the Request-URI, with a capital N for each digit that may be chosen. */
  readonly user: string
  readonly does: string
  /** Its one group is the number. */
  readonly pattern: RegExp
  /** The range of the number; absent: there is none. */
  readonly range?: readonly [lowest: number, highest: number]
  behaviour(number: number): Behaviour
}

const echo = (lossPercent = 0): Playback => ({ kind: 'Echo', lossPercent })

const answer = (playback: Playback): Behaviour => ({ kind: 'Answer', provisional: [], answerAfter: 0, playback })

/** Whole seconds that a person would wait for. */
const SECONDS = [1, 120] as const

const rows: readonly Row[] = [
  { user: 'echo', does: 'plays back what it hears', pattern: /^echo$/, behaviour: () => answer(echo()) },
  { user: 'tone', does: 'plays a tone', pattern: /^tone$/, behaviour: () => answer({ kind: 'Tone' }) },
  { user: 'silence', does: 'plays silence', pattern: /^silence$/, behaviour: () => answer({ kind: 'Silence' }) },
  { user: 'busy', does: 'answers 486', pattern: /^busy$/, behaviour: () => ({ kind: 'Reject', code: 486 }) },
  {
    user: 'reject-NNN',
    does: 'answers NNN (300 to 699)',
    pattern: /^reject-(\d{1,3})$/,
    range: [300, 699],
    behaviour: (code) => ({ kind: 'Reject', code }),
  },
  {
    user: 'ring-Ns',
    does: 'rings N seconds (1 to 120), then plays back',
    pattern: /^ring-(\d{1,3})s$/,
    range: SECONDS,
    behaviour: (seconds) => ({
      kind: 'Answer',
      provisional: [{ after: 0, code: 180 }],
      answerAfter: seconds * 1000,
      playback: echo(),
    }),
  },
  {
    user: 'late-180',
    does: '100 at once, 180 after 4 s, 200 a second later, then plays back',
    pattern: /^late-180$/,
    behaviour: () => ({
      kind: 'Answer',
      provisional: [
        { after: 0, code: 100 },
        { after: 4000, code: 180 },
      ],
      answerAfter: 5000,
      playback: echo(),
    }),
  },
  {
    user: 'noanswer',
    does: 'rings until the caller gives up',
    pattern: /^noanswer$/,
    behaviour: () => ({ kind: 'Ring' }),
  },
  { user: 'drop', does: 'says nothing at all', pattern: /^drop$/, behaviour: () => ({ kind: 'Ignore' }) },
  {
    user: 'hangup-Ns',
    does: 'plays back, and hangs up after N seconds (1 to 120)',
    pattern: /^hangup-(\d{1,3})s$/,
    range: SECONDS,
    behaviour: (seconds) => ({
      kind: 'Answer',
      provisional: [],
      answerAfter: 0,
      playback: echo(),
      hangupAfter: seconds * 1000,
    }),
  },
  {
    user: 'loss-N',
    does: 'plays back, and loses N percent (0 to 100) of it',
    pattern: /^loss-(\d{1,3})$/,
    range: [0, 100],
    behaviour: (percent) => answer(echo(percent)),
  },
]

/** The table for people: each user and what it does. */
export const behaviours: ReadonlyArray<{ readonly user: string; readonly does: string }> = rows

/** What the responder does for the user part of a Request-URI; for one it does not know, a 404 whose reason says so. */
export function behaviourOf(user: string): Behaviour {
  for (const row of rows) {
    const match = row.pattern.exec(user)
    if (!match) continue
    const number = Number.parseInt(match[1] ?? '0', 10)
    const [lowest, highest] = row.range ?? [0, 0]
    if (number >= lowest && number <= highest) return row.behaviour(number)
    return { kind: 'Reject', code: 404, reason: `${row.user} takes ${lowest} to ${highest}` }
  }
  return { kind: 'Reject', code: 404, reason: 'No such behaviour' }
}
