/** What becomes of one endpoint while its check runs: its phase, its outcome, what was measured. It makes no call and judges nothing. */
import { isDeepStrictEqual } from 'node:util'
import { outcomes } from '../../crds/index.ts'
import type { FailureClass, Finding, Metrics, Outcome } from '../../crds/index.ts'
import type { Clock } from '../../lib/clock.ts'
import { phases } from '../api/protocol.ts'
import type { CallResult, Phase } from '../api/protocol.ts'
import type { MosBasis } from '../media/index.ts'
import type {
  Attempt,
  Call,
  CallTimings,
  Endpoint as Address,
  PeerCertificate,
  SignallingCounters,
} from '../sip/index.ts'
import { type Tried, triedOf, withAttempts } from './attempts.ts'
import type { Classified } from './classify.ts'

/** Milliseconds. */
const DAY = 86_400_000

/** What is known of how it went. */
export interface Standing {
  outcome: Outcome
  failureClass?: FailureClass
  message: string
}

/** The five that are equally bad; the first of them that happened is the cause of the others. */
const FAILED = outcomes.indexOf('RegistrationFailed')

/** A worse outcome overwrites; among the last five, and among equals, the first stays. */
export function merge(now: Standing, next: Standing): Standing {
  const rank = ({ outcome }: Standing) => Math.min(outcomes.indexOf(outcome), FAILED)
  return rank(next) > rank(now) ? next : now
}

export interface EndpointOptions {
  clock: Clock
  onPhase(phase: Phase, detail: string | undefined): void
}

export class Endpoint {
  readonly #options: EndpointOptions
  readonly #startedAt: number
  readonly #started: number
  readonly #metrics: Metrics = {}
  readonly #counters: SignallingCounters[] = []
  readonly #details: Partial<
    Pick<
      CallResult,
      'callId' | 'remote' | 'certificate' | 'userAgent' | 'mosBasis' | 'noCall' | 'stopped' | 'sip' | 'media' | 'digits'
    >
  > = {}
  readonly #findings = new Set<Finding>()
  readonly #tried: Tried[] = []
  #phase: Phase = 'Pending'
  #standing: Standing = { outcome: 'Success', message: 'It went as it should.' }

  constructor(options: EndpointOptions) {
    this.#options = options
    this.#startedAt = options.clock.now()
    this.#started = options.clock.monotonic()
  }

  get phase(): Phase {
    return this.#phase
  }

  /** Forward only: a late 180 of an answered call changes nothing. */
  enter(phase: Phase, detail?: string): void {
    if (phases.indexOf(phase) <= phases.indexOf(this.#phase)) return
    this.#phase = phase
    this.#options.onPhase(phase, detail)
  }

  /** After `stop` nothing fails any more: what follows is our own doing. */
  fail(verdict: Standing & Pick<CallResult, 'sip'>): void {
    if (this.#details.stopped) return
    const before = this.#standing
    this.#standing = merge(before, verdict)
    if (this.#standing !== before && verdict.sip) this.answered(verdict.sip)
  }

  /** Takes what `classify` said; `Stopped` is no failure. */
  failAs(classified: Classified): void {
    if (classified === 'Stopped') this.stop()
    else this.fail(classified)
  }

  /** We ended it ourselves: it says nothing of the target. What failed before that stays. */
  stop(): void {
    if (this.failed || this.#details.stopped) return
    this.#details.stopped = true
    this.#standing = { outcome: this.#standing.outcome, message: 'We ended it ourselves.' }
  }

  /** Nobody called this callee. */
  noCall(message: string): void {
    this.#details.noCall = true
    this.#standing = { outcome: 'Timeout', message }
  }

  get failed(): boolean {
    return outcomes.indexOf(this.#standing.outcome) >= FAILED
  }

  /** The final response that decided so far. */
  answered(response: { code: number; reason: string }): void {
    this.#details.sip = { code: response.code, reason: response.reason }
    this.#metrics.statusCode = response.code
  }

  measured(metrics: Metrics): void {
    Object.assign(this.#metrics, metrics)
  }

  basis(basis: MosBasis): void {
    this.#details.mosBasis = basis
  }

  found(finding: Finding): void {
    this.#findings.add(finding)
  }

  /** What the streams of the call were at its end. */
  agreed(media: NonNullable<CallResult['media']>): void {
    this.#details.media = { ...media }
  }

  heard(digits: NonNullable<CallResult['digits']>): void {
    if (digits.length > 0) this.#details.digits = [...digits]
  }

  /** Who is at the other end. */
  peer(peer: { callId: string; remote: Address | undefined } & Partial<Pick<Call, 'userAgent'>>): void {
    this.#details.callId = peer.callId
    if (peer.remote) this.#details.remote = { ...peer.remote }
    if (peer.userAgent !== undefined) this.#details.userAgent = peer.userAgent
  }

  /** Addresses that a request went to in vain. Those of another request are the same as a rule: each counts once. */
  tried(attempts: readonly Attempt[] | undefined): void {
    for (const tried of attempts?.map((each) => triedOf(each)) ?? []) {
      if (!this.#tried.some((other) => isDeepStrictEqual(other, tried))) this.#tried.push(tried)
    }
  }

  /** What the server showed of itself over TLS; of several the last. */
  certified(certificate: PeerCertificate | undefined): void {
    if (!certificate) return
    this.#details.certificate = { ...certificate }
    this.#metrics.certificateDays = (certificate.validTo - this.#options.clock.now()) / DAY
  }

  /** Counters of a request, which are read when it is over. The same ones twice count once. */
  counts(counters: SignallingCounters): void {
    if (!this.#counters.includes(counters)) this.#counters.push(counters)
  }

  /** All of it, as it stands now. */
  result(): CallResult {
    const { clock } = this.#options
    const total = (key: Exclude<keyof SignallingCounters, 'authenticationTime'>) =>
      this.#counters.reduce((sum, each) => sum + each[key], 0)
    const [sent, received] = [total('retransmissionsSent'), total('retransmissionsReceived')]
    const authenticationRounds = total('authenticationRounds')
    // The call's, where there was one and it was challenged: its counters come after those of the registration.
    const challenged = this.#counters.findLast(({ authenticationTime }) => authenticationTime !== undefined)
    const authTime = challenged?.authenticationTime
    const signalling: Metrics =
      this.#counters.length === 0
        ? {}
        : {
            ...{ retransmissionsSent: sent, retransmissionsReceived: received, authRounds: authenticationRounds },
            ...(authTime !== undefined && { authTime }),
          }
    return {
      ...this.#standing,
      ...this.#details,
      message: withAttempts(this.#standing.message, this.#tried),
      ...(this.#tried.length > 0 && { attempts: [...this.#tried] }),
      metrics: { ...this.#metrics, ...signalling },
      findings: [...this.#findings],
      startedAt: this.#startedAt,
      // The wall clock may have jumped in between; the length is what the monotonic one says.
      finishedAt: this.#startedAt + Math.round(clock.monotonic() - this.#started),
      retransmissions: { sent, received },
      authenticationRounds,
    }
  }
}

/**
 * Times of a call (RFC 6076 4.3 to 4.5). What did not happen is absent.
 *
 *     INVITE ---- 180 ------- 200 --------------- BYE --- 200
 *       |setupTime|  ringTime  |    sessionTime    |disconnectTime|
 *       |      connectTime     |
 */
export function callTimes(timings: Readonly<CallTimings>): Metrics {
  const { inviteSent, ringing, answered, byeSent, byeReceived, byeAnswered } = timings
  const bye = earliest(byeSent, byeReceived)
  const metrics: Metrics = {}
  const put = (key: keyof Metrics, from: number | undefined, to: number | undefined) => {
    if (from !== undefined && to !== undefined) metrics[key] = to - from
  }
  put('setupTime', inviteSent, ringing)
  put('ringTime', ringing, answered)
  put('connectTime', inviteSent, answered)
  put('sessionTime', answered, bye)
  put('disconnectTime', byeSent, byeAnswered)
  return metrics
}

function earliest(first: number | undefined, second: number | undefined): number | undefined {
  if (first === undefined) return second
  return second === undefined ? first : Math.min(first, second)
}
