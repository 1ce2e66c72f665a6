/** A call that we place: register where the account asks for it, INVITE, hold, BYE. */
import { refuseTarget } from '../../crds/targets.ts'
import { token } from '../../lib/random.ts'
import type { RunPlan } from '../api/protocol.ts'
import type { LocalParty } from '../sip/index.ts'
import type { AudioStream } from '../stream/index.ts'
import { hangUp, hold, openAudio } from './audio-call.ts'
import type { Check, CheckContext } from './check.ts'
import { guarded, newCallId, partyOf } from './check.ts'
import { type Classified, classify, verdict } from './classify.ts'
import { callTimes } from './endpoint.ts'
import { whileRegistered } from './registration.ts'

export const caller: Check = async (context) => {
  const { plan, random } = context
  const party = partyOf(plan, token(random))
  if (!plan.endpoint.registrar.register) return placeCall(context, party)
  await whileRegistered(context, party, (_lost, routed) => placeCall(context, routed))
}

async function placeCall(context: CheckContext, party: LocalParty): Promise<void> {
  if (context.signal.aborted) return context.endpoint.stop()
  await using stream = await openAudio(context, party.nextHop, true)
  if (stream) await invite(context, party, stream)
}

async function invite(context: CheckContext, party: LocalParty, stream: AudioStream): Promise<void> {
  const { plan, engine, endpoint, trace, signal } = context
  const target = plan.endpoint.target ?? party.aor
  const { followRedirects, policy } = plan.endpoint.registrar
  const guard = new Guard(policy)
  endpoint.enter('Calling', target)
  const outgoing = engine.invite({
    party,
    target,
    offer: stream.offer(),
    callId: newCallId(context),
    timeout: plan.timeouts.answer,
    trace,
    signal,
    followRedirects: followRedirects ?? 0,
    mayFollow: (to) => guarded(context, () => guard.allows(to)) ?? false,
    onProvisional: ({ code, reason }) =>
      guarded(context, () => code > 100 && endpoint.enter('Ringing', `${code} ${reason}`)),
    onReoffer: (sdp) => guarded(context, () => stream.reoffer(sdp)),
  })
  const outcome = await outgoing.outcome
  endpoint.counts(outgoing.counters)
  endpoint.peer(outgoing)
  endpoint.tried(outgoing.attempts)
  if (outcome.kind !== 'Answered') {
    endpoint.measured(callTimes(outgoing.timings))
    return endpoint.failAs(guard.explained(classify(outcome, 'INVITE', target)))
  }
  const { call, code, reason } = outcome
  try {
    endpoint.answered({ code, reason })
    endpoint.certified(call.certificate)
    const unusable = stream.accept(call.sdp)
    if (unusable === undefined) await hold(context, { call, stream })
    else endpoint.fail(verdict('NegotiationFailed', 'INVITE', `The answer cannot be used: ${unusable}.`))
  } finally {
    await hangUp(context, { call, stream })
  }
}

/** Whom a 3xx may lead us to: a trunk cannot make us call what we would not call ourselves. */
class Guard {
  readonly #policy: RunPlan['endpoint']['registrar']['policy']
  #refused: string | undefined

  constructor(policy: RunPlan['endpoint']['registrar']['policy']) {
    this.#policy = policy
  }

  allows(target: string): boolean {
    const refused = refuseTarget(target, this.#policy)
    this.#refused ??= refused
    return refused === undefined
  }

  /** Why a 3xx was not followed. */
  explained(classified: Classified): Classified {
    if (classified === 'Stopped' || classified.failureClass !== 'Rejected3xx' || !this.#refused) return classified
    return { ...classified, message: `${classified.message} It was not followed: ${this.#refused}` }
  }
}
