/** OPTIONS outside and inside a dialog (RFC 3261 11): what the peer says it can do. It has no say in what we say. */
import { Authenticator } from '../digest/authenticator.ts'
import type { Core } from '../core.ts'
import type { OptionsOutcome, RequestOptions, SignallingCounters } from '../engine.ts'
import { contactUri, finish, outsideDialog } from '../transport/build.ts'
import { certified } from '../transport/flow.ts'
import { Journal } from '../trace/journal.ts'
import { everything } from './capabilities.ts'
import { exchange, type ExchangeOutcome } from './exchange.ts'

export async function sendOptions(core: Core, options: RequestOptions & { target: string }): Promise<OptionsOutcome> {
  const { party, callId, target, timeout, trace, signal } = options
  const fromTag = core.identifiers.tag()
  let sequence = 0
  const journal = new Journal(core.clock, trace)
  const outcome = await exchange(core, {
    ...{ nextHop: party.nextHop, method: 'OPTIONS', uri: target, timeout, signal },
    authenticator: new Authenticator(party.credentials, core.random),
    journal,
    build: (flow, credentials) => {
      sequence++
      const headers = outsideDialog(party, { method: 'OPTIONS', to: target, callId, fromTag, sequence })
      headers.add('Contact', `<${contactUri(flow, party.contactUser)}>`)
      for (const [name, value] of [...everything(core), ...credentials]) headers.add(name, value)
      return finish(core, flow, { method: 'OPTIONS', uri: target, headers })
    },
  })
  return answered(outcome, journal.counters)
}

/** Any final response is an answer. */
export function answered(outcome: ExchangeOutcome, counters: SignallingCounters): OptionsOutcome {
  const attempted = { counters, ...(outcome.attempts && { attempts: outcome.attempts }) }
  if (outcome.kind === 'Failed') return { ...outcome.failure, ...attempted }
  const { response, flow, milliseconds } = outcome
  const { code, reason, headers } = response
  const [allow, supported, accept] = [headers.list('allow'), headers.list('supported'), headers.list('accept')]
  return {
    kind: 'Answered',
    code,
    reason,
    milliseconds,
    remote: flow.remote,
    allow,
    supported,
    accept,
    ...certified(flow),
    ...attempted,
  }
}
