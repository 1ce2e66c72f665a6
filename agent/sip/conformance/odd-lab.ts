/** One of our engines and a scripted peer, and the messages such a peer sends. No test is in here. */
import type { Call, InviteOptions, InviteOutcome, SignallingEngine, Transport } from '../engine.ts'
import type { Request } from '../message/message.ts'
import { ANSWER, fasterClock, inviteOptions, listening, parameterOf } from './lab.ts'
import { scriptedPeer, type ScriptedPeer } from './scripted-peer.ts'

export interface Lab extends AsyncDisposable {
  ours: SignallingEngine
  peer: ScriptedPeer
  /** Of a call of ours to the peer. */
  options(changes?: Partial<InviteOptions>): InviteOptions
  /** A message of the peer to us. */
  send(lines: string[]): void
  /** `sip:USER@...` of the peer. */
  uri(user: string): string
}

/** @param factor seconds that pass in one */
export async function lab({
  factor = 1,
  transport = 'UDP',
}: { factor?: number; transport?: Transport } = {}): Promise<Lab> {
  const ours = await listening(transport, { clock: fasterClock(factor) })
  const peer = await scriptedPeer(transport)
  return {
    ours,
    peer,
    options: (changes) => inviteOptions(peer.port, transport, changes),
    send: (lines) => peer.send(lines, ours),
    uri: (user) => `sip:${user}@127.0.0.1:${peer.port}${parameterOf(transport)}`,
    async [Symbol.asyncDispose]() {
      await ours[Symbol.asyncDispose]()
      await peer[Symbol.asyncDispose]()
    },
  }
}

export function call(outcome: InviteOutcome): Call {
  if (outcome.kind !== 'Answered') throw new Error(outcome.kind)
  return outcome.call
}

/** We call the peer, the peer answers. */
export async function established({ ours, peer, ...all }: Lab, changes: Partial<InviteOptions> = {}) {
  const options = all.options(changes)
  const outgoing = ours.invite(options)
  const invite = await peer.request('INVITE')
  peer.reply(invite, '200 OK', { body: ANSWER })
  const ack = await peer.request('ACK')
  return { options, invite, ack, call: call(await outgoing.outcome) }
}

/** A request of the peer inside the dialog of `invite`. */
export function inside(
  invite: Request,
  method: string,
  { cseq = 1, branch, tag = 'peer' }: { cseq?: number; branch?: string; tag?: string } = {},
): string[] {
  return [
    `${method} sip:alice-contact@127.0.0.1 SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1;rport;branch=${branch ?? `z9hG4bK${method}${cseq}`}`,
    `From: ${invite.headers.get('to')};tag=${tag}`,
    `To: ${invite.headers.get('from')}`,
    `Call-ID: ${invite.headers.callId}`,
    `CSeq: ${cseq} ${method}`,
  ]
}

export function outside(
  method: string,
  changes: Record<string, string> = {},
  startLine = `${method} sip:bob@127.0.0.1 SIP/2.0`,
): string[] {
  const fields: Record<string, string> = {
    Via: `SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK${method}`,
    From: '<sip:peer@127.0.0.1>;tag=peer',
    To: '<sip:bob@127.0.0.1>',
    'Call-ID': 'odd',
    CSeq: `1 ${method}`,
    ...changes,
  }
  return [startLine, ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`)]
}
