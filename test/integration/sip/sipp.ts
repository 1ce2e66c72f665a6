/** Our engine with a SIPp that follows a scenario: as its caller, and as its callee. No test is in here. */
import type {
  Call,
  IncomingCall,
  InviteOptions,
  OutgoingCall,
  SignallingEngine,
  Trace,
} from '../../../agent/sip/index.ts'
import { until } from '../../lab/process.ts'
import { type SippCallee, sippCallee, sippCaller } from '../../lab/sipp.ts'
import * as agents from './agents.ts'

export interface ToSipp {
  readonly ours: SignallingEngine
  readonly outgoing: OutgoingCall
  readonly trace: Trace
  readonly peer: SippCallee
}

export interface ToSippOptions {
  readonly invite?: Partial<InviteOptions>
  readonly engine?: Parameters<typeof agents.engine>[0]
  readonly keys?: Readonly<Record<string, string>>
  /** Default true: SIPp must come to the end of its scenario. */
  readonly completes?: boolean
}

/** We call a SIPp that follows `scenario`. What `work` does with the call is the test. */
export async function toSipp(
  scenario: string,
  options: ToSippOptions,
  work: (call: ToSipp) => Promise<void>,
): Promise<void> {
  await using peer = await sippCallee({ scenario, ...(options.keys && { keys: options.keys }) })
  await using ours = await agents.engine(options.engine)
  const inviting = { ...agents.invitation(agents.direct(peer)), ...options.invite }
  const outgoing = ours.invite(inviting)
  try {
    await work({ ours, outgoing, trace: inviting.trace, peer })
    if (options.completes ?? true) {
      await until(() => peer.counts().current === 0 && peer.counts().calls > 0, { what: `SIPp is done: ${scenario}` })
      if (peer.counts().failed > 0) throw new Error(`SIPp saw something else than ${scenario} says`)
    }
  } catch (cause) {
    throw new Error([peer.log(), agents.textOf(inviting.trace)].join('\n'), { cause })
  }
}

export interface FromSippOptions {
  readonly engine?: Parameters<typeof agents.engine>[0]
  readonly keys?: Readonly<Record<string, string>>
  /** How long the caller stays, milliseconds. Default 100. */
  readonly hold?: number
  readonly retransmits?: boolean
}

export interface FromSipp {
  readonly ours: SignallingEngine
  readonly incoming: IncomingCall
}

/** A SIPp that follows `scenario` calls us. It must come to the end of it. */
export async function fromSipp(
  scenario: string,
  options: FromSippOptions,
  work: (call: FromSipp) => Promise<void>,
): Promise<void> {
  await using ours = await agents.engine(options.engine)
  const next = agents.nextCall(ours, 'service')
  const { keys = {}, hold = 100, retransmits = true } = options
  const target = `127.0.0.1:${ours.ports.UDP}`
  await using caller = await sippCaller({ target, scenario, service: 'service', hold, keys, retransmits })
  const incoming = await next
  try {
    await work({ ours, incoming })
    const { failed, successful } = await caller.finished
    if (failed > 0 || successful !== 1) throw new Error(`SIPp saw something else than ${scenario} says`)
  } catch (cause) {
    throw new Error([caller.log(), agents.textOf(incoming.trace)].join('\n'), { cause })
  }
}

/** Answers what SIPp offered, and gives the call when the ACK came. */
export async function answer(incoming: IncomingCall): Promise<Call> {
  const call = await incoming.answer(incoming.sdp === undefined ? agents.OFFER : agents.answerTo(incoming.sdp))
  if (!call) throw new Error('no ACK came')
  return call
}
