/** What the tests of this folder have in common: our engine as caller and callee, its accounts, and a call that stands. No test is in here. */
import type {
  Call,
  IncomingCall,
  InviteOptions,
  LocalParty,
  OutgoingCall,
  RequestOptions,
  SignallingEngine,
} from '../../../agent/sip/index.ts'
import { buildAnswer, buildOffer, createNativeEngine, Trace } from '../../../agent/sip/index.ts'
import { systemClock } from '../../../lib/clock.ts'
import { systemRandom } from '../../../lib/random.ts'
import type { Kamailio } from '../../lab/kamailio.ts'

type EngineOptions = Parameters<typeof createNativeEngine>[0]
export type Hop = LocalParty['nextHop']

export const MEDIA = { address: '127.0.0.1', rtpPort: 40_000, rtcpPort: 40_001, ptime: 20, sessionId: 1 }
export const OFFER = buildOffer({ ...MEDIA, codecs: ['PCMA', 'PCMU'] })

/** Bound to all addresses, as the agent is. */
export function engine(options: Partial<EngineOptions> = {}): Promise<SignallingEngine> {
  return createNativeEngine({
    clock: systemClock,
    random: systemRandom,
    host: '0.0.0.0',
    userAgent: 'lab',
    ...options,
  })
}

/** An account at Kamailio, reached there by UDP unless `hop` says otherwise. */
export function account(lab: Kamailio, user: string, hop: Partial<Hop> = {}): LocalParty {
  return {
    aor: `sip:${user}@${lab.domain}`,
    contactUser: `${user}-contact`,
    credentials: { username: user, password: lab.password(user) },
    nextHop: { host: lab.host, port: lab.port, transport: 'UDP', ...hop },
    outboundProxy: false,
  }
}

/** Somebody without an account who speaks with a peer itself. */
export function direct(peer: { readonly port: number }, hop: Partial<Hop> = {}): LocalParty {
  return {
    aor: 'sip:alice@lab.test',
    contactUser: 'alice-contact',
    nextHop: { host: '127.0.0.1', port: peer.port, transport: 'UDP', ...hop },
    outboundProxy: false,
  }
}

let requests = 0

/** Options of a request, with a Call-ID and a trace of its own. */
export function request(party: LocalParty): RequestOptions & { readonly trace: Trace } {
  return { party, callId: `integration-${++requests}`, timeout: 10_000, trace: new Trace() }
}

/** An INVITE to `user` at the next hop itself, with our offer. */
export function invitation(party: LocalParty, user = 'service'): InviteOptions & { readonly trace: Trace } {
  const { host, port = 5060 } = party.nextHop
  return { ...request(party), target: `sip:${user}@${host}:${port}`, offer: OFFER }
}

/** The call of an INVITE that is answered. @throws with the outcome when it is not */
export async function answered(outgoing: OutgoingCall): Promise<Call> {
  const outcome = await outgoing.outcome
  if (outcome.kind !== 'Answered') throw new Error(`not answered: ${JSON.stringify(outcome)}`)
  return outcome.call
}

/** Registers, and gives the registration. @throws with the outcome when it was refused */
export async function registered(ours: SignallingEngine, party: LocalParty, expires = 60) {
  const options = request(party)
  const outcome = await ours.register({ ...options, expires })
  if (outcome.kind !== 'Registered') throw new Error(`not registered: ${JSON.stringify(outcome)}`)
  return { ...outcome, trace: options.trace }
}

/** The next call for `user`; it is for the test to ring and answer it. */
export function nextCall(ours: SignallingEngine, user: string): Promise<IncomingCall> {
  const { promise, resolve } = Promise.withResolvers<IncomingCall>()
  const taken = ours.onInvite(user, resolve)
  return promise.finally(() => taken[Symbol.dispose]())
}

/** What we answer to an offer. @throws when it cannot be used */
export function answerTo(offer: string | undefined): string {
  const answer = buildAnswer(offer ?? '', { ...MEDIA, codecs: ['PCMU', 'PCMA'] })
  if (answer.kind === 'Unusable') throw new Error(answer.detail)
  return answer.sdp
}

/** Takes the next call for `user`: rings, answers, and gives it once the ACK came. @throws when that never came */
export async function takeCall(ours: SignallingEngine, user: string): Promise<Call> {
  const incoming = await nextCall(ours, user)
  incoming.ring()
  const call = await incoming.answer(answerTo(incoming.sdp))
  if (!call) throw new Error('no ACK came')
  return call
}

/** All of a trace as text. */
export function textOf(trace: Trace): string {
  return trace.messages.map(({ text }) => text).join('\n')
}

/** First lines of what a trace holds, retransmissions left out, with an arrow for the way: `> INVITE`, `< 180 INVITE`. */
export function titles(trace: Trace): string[] {
  return trace.messages
    .filter(({ retransmission }) => !retransmission)
    .map(({ direction, text }) => {
      const [first = '', second = ''] = text.split(' ', 2)
      const method = /^CSeq: *\d+ (\w+)/im.exec(text)?.[1]
      return `${direction === 'Out' ? '>' : '<'} ${first === 'SIP/2.0' ? `${second} ${method}` : first}`
    })
}
