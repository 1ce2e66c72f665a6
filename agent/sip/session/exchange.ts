/** One request that is not INVITE until its final response: challenges answered, deadline and abort kept (RFC 3261 8.1, 22). */
import type { Authenticator } from '../digest/authenticator.ts'
import type { Built, HeaderField } from '../transport/build.ts'
import { Approach, type ReachOutcome, type Unreached } from '../locate/approach.ts'
import type { Core } from '../core.ts'
import type { Attempted, Failure } from '../engine.ts'
import { type Flow, lost } from '../transport/flow.ts'
import type { Journal } from '../trace/journal.ts'
import { towards, type Wanted } from '../locate/question.ts'
import type { Response } from '../message/message.ts'
import type { ClientFailure } from '../transaction/client.ts'
import { TRANSACTION_TIMEOUT } from '../transaction/timers.ts'

export interface ExchangeOptions {
  nextHop: Wanted
  /** What credentials are computed over; the body only when a server wants that. */
  method: string
  uri: string
  body?: string | undefined
  /** Makes the request anew, with the next CSeq: called once, and again for each challenge and each address. */
  build(flow: Flow, credentials: readonly HeaderField[]): Built
  authenticator: Authenticator
  journal: Journal
  /** Milliseconds from the first send; default and upper bound is timer F. */
  timeout?: number
  signal?: AbortSignal | undefined
}

export type ExchangeOutcome = Attempted &
  /** `at` is when it came, `milliseconds` the time since the first send, challenges and addresses given up included. */
  (
    | { kind: 'Final'; response: Response; flow: Flow; at: number; milliseconds: number }
    | { kind: 'Failed'; failure: Failure; sent: boolean }
  )

type RoundOutcome = { kind: 'Response'; response: Response; at: number } | { kind: 'Failure'; failure: Failure }

/**
 * The final response, whatever its code but for challenges, which are answered or become AuthenticationFailed, and for failures that
 * another address of the hop may not have.
 */
export function exchange(core: Core, options: ExchangeOptions): Promise<ExchangeOutcome> {
  const { nextHop, uri, timeout = TRANSACTION_TIMEOUT, signal } = options
  const approach = new Approach(core, towards(nextHop, uri), signal)
  const over = (flow: Flow): Promise<ExchangeOutcome> => exchangeOver(core, options, { first: flow, approach, timeout })
  const now = approach.now()
  if (now) return over(now)
  return approach
    .next(timeout)
    .then((reached) =>
      reached.kind === 'Reached'
        ? over(reached.flow)
        : attempted(approach, { kind: 'Failed', failure: reached, sent: false }),
    )
}

async function exchangeOver(
  core: Core,
  options: ExchangeOptions,
  { first, approach, timeout }: { first: Flow; approach: Approach; timeout: number },
): Promise<ExchangeOutcome> {
  const { authenticator, journal } = options
  let flow = first
  const firstSent = core.clock.monotonic()
  const left = (): number => Math.max(0, timeout - (core.clock.monotonic() - firstSent))
  const elsewhere = detours(approach, left)
  authenticator.begin()
  for (;;) {
    const outcome = await round(core, options, flow, { timeout: left(), patience: approach.patience(left()) })
    const next = mayDetour(outcome) ? await elsewhere(outcome, flow) : undefined
    if (next?.kind === 'Reached') {
      flow = next.flow
      authenticator.begin()
      continue
    }
    if (next || outcome.kind === 'Failure') return attempted(approach, failed(next, outcome))
    const { response, at } = outcome
    if (response.code !== 401 && response.code !== 407) {
      if (!authenticator.accepted(response)) journal.counters.wrongProofs++
      return attempted(approach, { kind: 'Final', response, flow, at, milliseconds: at - firstSent })
    }
    const failure = unanswerable(authenticator, response)
    if (failure) return attempted(approach, { kind: 'Failed', failure, sent: true })
    journal.counters.authenticationRounds++
    journal.counters.authenticationTime ??= at - firstSent
  }
}

function attempted({ attempts }: Approach, outcome: ExchangeOutcome): ExchangeOutcome {
  return attempts.length > 0 ? { ...outcome, attempts } : outcome
}

function mayDetour(outcome: RoundOutcome): boolean {
  return outcome.kind === 'Failure' || outcome.response.code === 503
}

function failed(next: Unreached | undefined, outcome: RoundOutcome): ExchangeOutcome {
  const failure = next ?? (outcome.kind === 'Failure' ? outcome.failure : rejection(outcome.response))
  return { kind: 'Failed', failure, sent: true }
}

function unanswerable(authenticator: Authenticator, response: Response): Failure | undefined {
  const { code, reason } = response
  return authenticator.challenged(response) ? undefined : { kind: 'AuthenticationFailed', code, reason }
}

/**
 * Where a request goes that had no success. A connection that ended under its first request says that the peer fails. One that was used
 * before may have ended unnoticed, and the peer is well: what is asked here may be asked twice, so it is, over another connection, once.
 * Undefined: nowhere.
 */
function detours(approach: Approach, left: () => number) {
  let again = false
  return async (outcome: RoundOutcome, flow: Flow): Promise<ReachOutcome | undefined> => {
    const failure = outcome.kind === 'Failure' ? outcome.failure : rejection(outcome.response)
    if (failure.kind === 'ConnectFailed' && flow.heardAt !== -Infinity && !again) {
      again = true
      const same = await approach.again(left())
      if (same.kind === 'Reached') return same
    }
    const retryAfter = outcome.kind === 'Response' ? outcome.response.headers.get('retry-after') : undefined
    if (!approach.after(failure, retryAfter)) return undefined
    again = false
    return approach.next(left())
  }
}

function rejection({ code, reason }: Response): Failure {
  return { kind: 'Rejected', code, reason }
}

function round(
  core: Core,
  options: ExchangeOptions,
  flow: Flow,
  { timeout, patience }: { timeout: number; patience: number | undefined },
): Promise<RoundOutcome> {
  const { authenticator, journal, signal } = options
  const { promise, resolve } = Promise.withResolvers<RoundOutcome>()
  const sent = core.clock.monotonic()
  let provisional: number | undefined
  const unanswered = (): Failure => {
    if (provisional !== undefined) return { kind: 'NoFinalResponse', code: provisional }
    if (flow.heardAt < sent) flow.retire()
    return { kind: 'NoResponse' }
  }
  const settle = (outcome: RoundOutcome): void => {
    timer.cancel()
    silence?.cancel()
    signal?.removeEventListener('abort', aborted)
    resolve(outcome)
  }
  const giveUp = (failure: Failure): void => {
    transaction?.end()
    settle({ kind: 'Failure', failure })
  }
  const aborted = (): void => giveUp({ kind: 'Aborted' })
  const timer = core.wheel.start(timeout, () => giveUp(unanswered()))
  const silence =
    patience === undefined
      ? undefined
      : core.wheel.start(patience, () => provisional === undefined && giveUp(unanswered()))
  signal?.addEventListener('abort', aborted)

  const built = options.build(flow, authenticator.authorize(options.method, options.uri, options.body))
  const transaction = signal?.aborted
    ? undefined
    : core.transactions.send(
        { ...built, flow, journal },
        {
          response: (response, arrival) => {
            if (response.code >= 200) settle({ kind: 'Response', response, at: arrival.at })
            else provisional = response.code
          },
          failed: (failure) => settle({ kind: 'Failure', failure: failureOf(failure, flow, unanswered) }),
        },
      )
  if (signal?.aborted) aborted()
  return promise
}

function failureOf(failure: ClientFailure, flow: Flow, unanswered: () => Failure): Failure {
  switch (failure.kind) {
    case 'Timeout':
      return unanswered()
    case 'TransportError':
      return lost(flow, failure.detail)
  }
}
