/** The checks by name: adding one is a function of the one signature and a line here. */
import { token } from '../../lib/random.ts'
import type { RunPlan } from '../api/protocol.ts'
import { bracketed } from '../sip/index.ts'
import { callee } from './callee.ts'
import { caller } from './caller.ts'
import type { Check } from './check.ts'
import { newCallId, partyOf } from './check.ts'
import { classify } from './classify.ts'
import { whileRegistered } from './registration.ts'

const roles: Readonly<Record<RunPlan['endpoint']['role'], Check>> = { Caller: caller, Callee: callee }

/** Who is there, without a call (RFC 3261 section 11): a 2xx is success. */
const options: Check = async (context) => {
  const { plan, engine, endpoint, random, trace, signal } = context
  const party = partyOf(plan, token(random))
  const target = plan.endpoint.target ?? `sip:${bracketed(plan.endpoint.registrar.domain)}`
  const callId = newCallId(context)
  endpoint.enter('Calling', target)
  const outcome = await engine.options({ party, target, callId, timeout: plan.timeouts.answer, trace, signal })
  endpoint.tried(outcome.attempts)
  endpoint.counts(outcome.counters)
  if (outcome.kind !== 'Answered') return endpoint.failAs(classify(outcome, 'OPTIONS', target))
  const { code, reason, milliseconds, remote, certificate } = outcome
  endpoint.measured({ optionsTime: milliseconds })
  endpoint.peer({ callId, remote })
  endpoint.certified(certificate)
  endpoint.answered({ code, reason })
  if (code >= 300) endpoint.failAs(classify({ kind: 'Rejected', code, reason }, 'OPTIONS', target))
}

/** Whether the account can register; the binding is removed at once. */
const register: Check = (context) =>
  whileRegistered(context, partyOf(context.plan, token(context.random)), () => Promise.resolve())

export const checks: Readonly<Record<RunPlan['check'], Check>> = {
  Call: (context) => roles[context.plan.endpoint.role](context),
  Options: options,
  Register: register,
}
