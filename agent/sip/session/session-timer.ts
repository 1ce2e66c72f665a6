/** The session timer (RFC 4028): what is said of it in requests and responses, and the timer itself. How a session is refreshed is not its matter. */
import type { SessionTimerOptions } from '../engine.ts'
import type { HeaderField, ResponseOptions } from '../transport/build.ts'
import type { Headers } from '../message/headers.ts'
import type { Request, Response } from '../message/message.ts'
import type { Timer, TimerWheel } from '../transaction/timer-wheel.ts'
import { names } from './capabilities.ts'

/** Section 4: no interval is shorter. Seconds. */
const LEAST = 90

/** What was agreed on: seconds, and who refreshes. */
export interface TimerTerms {
  expires: number
  refresher: 'Local' | 'Remote'
}

/** Fields of a request that asks for a timer (7.1). In a request we are the UAC, whoever made the call. */
export function timerFields({ expires, minimum, refresher }: SessionTimerOptions): HeaderField[] {
  const role = refresher === undefined ? '' : `;refresher=${refresher === 'Local' ? 'uac' : 'uas'}`
  const fields: HeaderField[] = [['Session-Expires', `${expires}${role}`]]
  if (minimum !== undefined) fields.push(['Min-SE', String(minimum)])
  return fields
}

/** What a 2xx to our request says (7.2); undefined: the session has no timer. */
export function agreedTerms({ headers }: Response): TimerTerms | undefined {
  const stated = sessionExpires(headers)
  return stated && { expires: stated.expires, refresher: stated.refresher === 'uas' ? 'Remote' : 'Local' }
}

/** A 422 (7.3): what to ask for instead. Undefined: it asks for nothing new. */
export function longerTimer(
  { code, headers }: Response,
  asked: SessionTimerOptions | undefined,
): SessionTimerOptions | undefined {
  const minimum = seconds(headers.get('min-se'))
  if (code !== 422 || asked === undefined || minimum === undefined || minimum <= (asked.minimum ?? 0)) return undefined
  return { ...asked, minimum, expires: Math.max(minimum, asked.expires) }
}

/** Section 9: an interval that is too short is refused, when its sender can do anything about it. */
export function tooBrief({ headers }: Request): ResponseOptions | undefined {
  const stated = headers.get('session-expires')
  if (stated === undefined || !names(headers, 'supported', 'timer')) return undefined
  const asked = seconds(stated.split(';', 1)[0])
  return asked === undefined || asked >= LEAST ? undefined : { code: 422, headers: [['Min-SE', String(LEAST)]] }
}

/**
 * Our answer to a request (section 9, table 2), when it, or we, or what was agreed on before wants a timer.
 *
 *     the UAC knows timers | refresher in the request | in the response
 *              no          |          any             |      uas
 *              yes         |          uac, uas        |   the same
 *              yes         |          none            |   as before, as we want it, else uac
 */
export function answerTimer(
  { headers }: Request,
  ours: SessionTimerOptions | undefined,
  before?: TimerTerms,
): { fields: HeaderField[]; terms: TimerTerms } | undefined {
  const stated = sessionExpires(headers)
  const expires = stated?.expires ?? (before ?? ours)?.expires
  if (expires === undefined) return undefined
  const role = names(headers, 'supported', 'timer') ? (stated?.refresher ?? wantedRole(before ?? ours)) : 'uas'
  const agreed = agreedSeconds(headers, expires, ours)
  const fields: HeaderField[] = [['Session-Expires', `${agreed};refresher=${role}`]]
  if (role === 'uac') fields.push(['Require', 'timer'])
  return { fields, terms: { expires: agreed, refresher: role === 'uas' ? 'Local' : 'Remote' } }
}

function wantedRole(wanted: Pick<SessionTimerOptions, 'refresher'> | undefined): 'uac' | 'uas' {
  return wanted?.refresher === 'Local' ? 'uas' : 'uac'
}

/** Nobody may lengthen what the UAC asked for; shorter is right when we want it so. */
function agreedSeconds(headers: Headers, expires: number, ours: SessionTimerOptions | undefined): number {
  const least = Math.max(LEAST, seconds(headers.get('min-se')) ?? 0)
  return Math.max(least, Math.min(expires, ours?.expires ?? expires))
}

function sessionExpires(headers: Headers): { expires: number; refresher?: 'uac' | 'uas' } | undefined {
  const value = headers.get('session-expires')
  const expires = seconds(value?.split(';', 1)[0])
  if (value === undefined || expires === undefined) return undefined
  const role = /;\s*refresher\s*=\s*(uac|uas)\b/i.exec(value)?.[1]?.toLowerCase()
  return { expires: Math.max(LEAST, expires), ...((role === 'uac' || role === 'uas') && { refresher: role }) }
}

function seconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d{1,9}\s*$/.test(text.split(';', 1)[0] ?? '')
    ? Number.parseInt(text, 10)
    : undefined
}

/** Section 10: BYE is sent a third of the interval, at most 32 s, before the session would expire. Milliseconds. */
function lifetime(expires: number): number {
  return (expires - Math.min(32, expires / 3)) * 1000
}

export interface TimerUser {
  /** Refreshes the session; a success starts the timer anew by `start`, or ends it by `stop`. */
  refresh(): void
  /** Nobody refreshed it. */
  expired(): void
}

/**
 *     2xx |----- half of it: refresh, when it is ours ----- | ... a tenth later once more ... | expired
 */
export class SessionTimer {
  readonly #wheel: TimerWheel
  readonly #user: TimerUser
  #refresh: Timer | undefined
  #expiry: Timer | undefined
  #terms: TimerTerms | undefined

  constructor(wheel: TimerWheel, user: TimerUser) {
    this.#wheel = wheel
    this.#user = user
  }

  /** Undefined: it does not run. */
  get terms(): TimerTerms | undefined {
    return this.#terms
  }

  start(terms: TimerTerms): void {
    this.stop()
    this.#terms = terms
    this.#expiry = this.#wheel.start(lifetime(terms.expires), () => {
      this.stop()
      this.#user.expired()
    })
    if (terms.refresher === 'Local') this.#refreshIn(terms.expires * 500, terms.expires * 100)
  }

  stop(): void {
    this.#terms = undefined
    this.#refresh?.cancel()
    this.#expiry?.cancel()
  }

  /** What does not succeed is tried again until the session expires. */
  #refreshIn(milliseconds: number, then: number): void {
    this.#refresh = this.#wheel.start(milliseconds, () => {
      this.#refreshIn(then, then)
      this.#user.refresh()
    })
  }
}
