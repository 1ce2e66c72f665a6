/** Two of our engines with a call between them, for what happens before and inside it. No test is in here. */
import type { AnswerOptions, Call, IncomingCall, InviteOptions, SignallingEngine, Transport } from '../engine.ts'
import type { Trace } from '../trace/trace.ts'
import { ANSWER, engine, fasterClock, first, inviteOptions, listening, portOf } from './lab.ts'

export interface Pair extends AsyncDisposable {
  caller: SignallingEngine
  callee: SignallingEngine
  /** Of the callee. */
  port: number
  /** Options of an INVITE from the one to the other. */
  options: (changes?: Partial<InviteOptions> & { user?: string }) => InviteOptions
}

export async function pair(transport: Transport, factor = 1): Promise<Pair> {
  const clock = fasterClock(factor)
  // It listens on UDP and TCP alone: over all others it is reached by the connection that it made.
  const caller = await engine({ clock, userAgent: 'caller' })
  const callee = await listening(transport, { clock, userAgent: 'callee' })
  const port = portOf(callee, transport)
  return {
    ...{ caller, callee, port },
    options: (changes) => inviteOptions(port, transport, changes),
    async [Symbol.asyncDispose]() {
      await caller[Symbol.asyncDispose]()
      await callee[Symbol.asyncDispose]()
    },
  }
}

export interface Connected {
  /** The caller's side, and the callee's. */
  ours: Call
  theirs: Call
  trace: Trace
  incoming: IncomingCall
}

/** The one calls, the other answers. */
export async function connect(
  { caller, callee, options }: Pair,
  changes: {
    caller?: Partial<InviteOptions>
    callee?: AnswerOptions
    before?: (incoming: IncomingCall) => void
    answer?: string
  } = {},
): Promise<Connected> {
  const accepted = first<Call | undefined>()
  const offered = first<IncomingCall>()
  using _bob = callee.onInvite('bob', (incoming) => {
    changes.before?.(incoming)
    offered.take(incoming)
    void incoming.answer(changes.answer ?? ANSWER, changes.callee).then(accepted.take)
  })
  const inviting = options(changes.caller)
  const outcome = await caller.invite(inviting).outcome
  if (outcome.kind !== 'Answered') throw new Error(outcome.kind)
  const theirs = await accepted.promise
  if (!theirs) throw new Error('there was no ACK')
  return { ours: outcome.call, theirs, trace: inviting.trace, incoming: await offered.promise }
}

/** A session description of the numbered version of one session. */
export function sdp(session: number, version: number, direction = 'sendrecv'): string {
  return [
    'v=0',
    `o=- ${session} ${version} IN IP4 127.0.0.1`,
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    'm=audio 40000 RTP/AVP 8',
    `a=${direction}`,
    '',
  ].join('\r\n')
}
