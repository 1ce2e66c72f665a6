/** Decides what follows an attempt. Pure: it neither waits nor sends. */
import type { Random } from '../../lib/random.ts'

/** How an attempt ended. `retryAfter` is the header as it came. */
export type Attempt =
  | { kind: 'Answered'; code: number; retryAfter?: string }
  /** No response: refused, reset, too late, or nowhere to send it to. */
  | { kind: 'Unanswered'; error: string }

export type Decision =
  | { result: 'Delivered' }
  /** 410: the receiver wants no more. */
  | { result: 'Disabled' }
  | { result: 'Retry'; at: number; reason: 'Rejected' | 'Redirected' | 'Unanswered' }

export interface Circumstances {
  /** How many attempts there were, this one included. */
  attempts: number
  createdAt: number
  now: number
  random: Random
}

const SECOND = 1000
const MINUTE = 60 * SECOND

/** After the first attempt, the second, ...; the last one repeats. Milliseconds. */
const delays = [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, 60 * MINUTE] as const
/** A delay is up to so much longer, so that the many who failed together do not come back together. */
const JITTER = 0.2
/** What a receiver may ask for at the least, so that `Retry-After: 0` is no endless loop. */
const SHORTEST = delays[0]
/** The age at which the outbox gives a failed delivery up; nothing is put off beyond it. */
const LONGEST_AGE = 6 * 60 * MINUTE

/** A 2xx is delivered, 410 disables; all else is tried again, 404 too: a receiver's ingress answers so while it rolls. */
export function decide(attempt: Attempt, circumstances: Circumstances): Decision {
  if (attempt.kind === 'Unanswered') return { result: 'Retry', at: retryAt(circumstances), reason: 'Unanswered' }
  const { code, retryAfter } = attempt
  if (code >= 200 && code < 300) return { result: 'Delivered' }
  if (code === 410) return { result: 'Disabled' }
  const reason = code >= 300 && code < 400 ? 'Redirected' : 'Rejected'
  return { result: 'Retry', at: retryAt(circumstances, retryAfter), reason }
}

function retryAt({ attempts, createdAt, now, random }: Circumstances, retryAfter?: string): number {
  const asked = retryAfter === undefined ? undefined : parseRetryAfter(retryAfter, now)
  const planned = delays[Math.min(attempts, delays.length) - 1] ?? SHORTEST
  const delay = asked === undefined ? planned * (1 + JITTER * random()) : Math.max(SHORTEST, asked)
  return Math.max(now, Math.min(Math.round(now + delay), createdAt + LONGEST_AGE))
}

/** RFC 9110 section 10.2.3: seconds, or a date. Milliseconds from `now`; undefined: neither. */
function parseRetryAfter(value: string, now: number): number | undefined {
  if (/^\d{1,9}$/.test(value)) return Number(value) * SECOND
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : date - now
}
