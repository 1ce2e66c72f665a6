/** One request that is not INVITE until its final response: challenges answered, deadline and abort kept (RFC 3261 8.1, 22). */
import type { Authenticator } from '../digest/authenticator.ts'
import type { Built, HeaderField } from '../message/build.ts'
import { type Core, reach } from '../core.ts'
import type { Failure } from '../engine.ts'
import { type Flow, lost } from '../transport/flow.ts'
import type { Wanted } from '../locate/question.ts'
import type { Journal } from '../trace/journal.ts'
import type { Response } from '../message/message.ts'
import type { ClientFailure } from '../transaction/client.ts'
import { TRANSACTION_TIMEOUT } from '../transaction/timers.ts'

export interface ExchangeOptions {
  nextHop: Wanted
  /** What credentials are computed over. */
  method: string
  uri: string
  /** Makes the request anew, with the next CSeq: called once, and again for each challenge. */
  build(flow: Flow, credentials: readonly HeaderField[]): Built
  authenticator: Authenticator
  journal: Journal
  /** Milliseconds from the first send; default and upper bound is timer F. */
  timeout?: number
  signal?: AbortSignal | undefined
}

export type ExchangeOutcome =
  /** `at` is when it came, `milliseconds` the time since the first send, challenges included. */
  | { kind: 'Final'; response: Response; flow: Flow; at: number; milliseconds: number }
  | { kind: 'Failed'; failure: Failure; sent: boolean }

type RoundOutcome = { kind: 'Response'; response: Response; at: number } | { kind: 'Failure'; failure: Failure }

/** The final response, whatever its code but for challenges, which are answered or become AuthenticationFailed. */
export async function exchange(core: Core, options: ExchangeOptions): Promise<ExchangeOutcome> {
  const { nextHop, authenticator, journal, timeout = TRANSACTION_TIMEOUT, signal } = options
  const reached = await reach(core, nextHop, { timeout, signal })
  if (reached.kind !== 'Reached') return { kind: 'Failed', failure: reached, sent: false }
  let { flow } = reached
  let again = false
  const firstSent = core.clock.monotonic()
  const left = (): number => Math.max(0, timeout - (core.clock.monotonic() - firstSent))
  authenticator.begin()
  for (;;) {
    const another = again ? undefined : reconnecting(core, options, flow)
    const outcome = await round(core, options, flow, left())
    if (outcome.kind === 'Failure') {
      const next = await another?.(outcome.failure, left())
      if (!next) return { kind: 'Failed', failure: outcome.failure, sent: true }
      again = true
      flow = next
      continue
    }
    const { response, at } = outcome
    if (response.code !== 401 && response.code !== 407) {
      return { kind: 'Final', response, flow, at, milliseconds: at - firstSent }
    }
    if (!authenticator.challenged(response)) {
      const { code, reason } = response
      return { kind: 'Failed', failure: { kind: 'AuthenticationFailed', code, reason }, sent: true }
    }
    journal.counters.authenticationRounds++
  }
}

/**
 * A connection that ended under its first request says that the peer fails. One that was used before may have ended unnoticed, and the peer
 * is well: what is asked here may be asked twice, so it is, over another connection. Undefined: there is no other.
 */
function reconnecting(core: Core, { nextHop, signal }: ExchangeOptions, flow: Flow) {
  if (flow.heardAt === -Infinity) return undefined
  return async (failure: Failure, timeout: number): Promise<Flow | undefined> => {
    if (failure.kind !== 'ConnectFailed') return undefined
    const reached = await reach(core, nextHop, { timeout, signal })
    return reached.kind === 'Reached' ? reached.flow : undefined
  }
}

function round(core: Core, options: ExchangeOptions, flow: Flow, timeout: number): Promise<RoundOutcome> {
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
    signal?.removeEventListener('abort', aborted)
    resolve(outcome)
  }
  const giveUp = (failure: Failure): void => {
    transaction?.end()
    settle({ kind: 'Failure', failure })
  }
  const aborted = (): void => giveUp({ kind: 'Aborted' })
  const timer = core.wheel.start(timeout, () => giveUp(unanswered()))
  signal?.addEventListener('abort', aborted)

  const built = options.build(flow, authenticator.authorize(options.method, options.uri))
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
