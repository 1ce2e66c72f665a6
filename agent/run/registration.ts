/** A registration around a check: made first, refreshed while the check runs, removed whatever happened. Only our own binding, never `*`. */
import type { LocalParty, Registration } from '../sip/index.ts'
import { bracketed } from '../sip/index.ts'
import type { CheckContext } from './check.ts'
import { newCallId } from './check.ts'
import { classify } from './classify.ts'
import { limits } from './limits.ts'
import { within } from './patience.ts'

/**
 * Runs `body` while `party` is registered; not at all when it cannot be. The signal that `body` gets aborts when a refresh failed: we
 * cannot be called any more. The endpoint knows of it by then. The party that it gets has the route that the registrar wants in what
 * it sends (RFC 3608).
 */
export async function whileRegistered(
  context: CheckContext,
  party: LocalParty,
  body: (lost: AbortSignal, routed: LocalParty) => Promise<void>,
): Promise<void> {
  const { plan, engine, endpoint, trace, signal } = context
  if (signal.aborted) return endpoint.stop()
  const domain = `sip:${bracketed(plan.endpoint.registrar.domain)}`
  endpoint.enter('Registering')
  const callId = newCallId(context)
  const outcome = await engine.register({
    party,
    callId,
    timeout: plan.timeouts.register,
    trace,
    signal,
    expires: Math.max(1, Math.round(plan.endpoint.registrar.expires / 1000)),
  })
  endpoint.tried(outcome.attempts)
  endpoint.counts(outcome.kind === 'Registered' ? outcome.registration.counters : outcome.counters)
  if (outcome.kind !== 'Registered') return endpoint.failAs(classify(outcome, 'REGISTER', domain))

  const { registration, code, reason, milliseconds, remote, certificate } = outcome
  try {
    endpoint.measured({ registerTime: milliseconds })
    endpoint.peer({ callId, remote })
    endpoint.certified(certificate)
    // Of a call, only what becomes of its INVITE decides.
    if (plan.check === 'Register') endpoint.answered({ code, reason })
    endpoint.enter('Registered', registration.contact)
    const lost = new AbortController()
    void registration.lost.then((failure) => {
      endpoint.failAs(classify(failure, 'REGISTER', domain))
      lost.abort()
    })
    // Whoever took the registration takes the call: a server that was found dead is not asked again.
    const nextHop = { ...party.nextHop, prefer: remote }
    await body(lost.signal, { ...party, nextHop, routes: registration.serviceRoute })
  } finally {
    await remove(context, registration)
  }
}

async function remove(context: CheckContext, registration: Registration): Promise<void> {
  const { endpoint, clock, signal, log } = context
  endpoint.enter('Ending')
  const patience = { clock, limit: limits.unregister, signal, limitOfStopped: limits.goodbyeOfStopped }
  const outcome = await within(registration.unregister(), patience)
  if (outcome?.kind === 'Unregistered') return
  const why = outcome ? describe(classify(outcome, 'REGISTER', 'remove the registration')) : 'no answer in time'
  log.warn({ why }, 'the registration could not be removed, it ends by itself')
  endpoint.fail({ outcome: 'CompletedWithWarnings', message: `The registration could not be removed: ${why}` })
}

function describe(classified: ReturnType<typeof classify>): string {
  return classified === 'Stopped' ? 'stopped' : classified.message
}
