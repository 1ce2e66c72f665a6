/** Answers one INVITE as the behaviour of its user says; it decides no behaviour and makes no media. */
import { sleep } from '../../lib/clock.ts'
import type { Call, CallEnd, IncomingCall } from '../sip/index.ts'
import type { AudioStream } from '../stream/index.ts'
import { behaviourOf } from './behaviours.ts'
import type { Behaviour } from './behaviours.ts'
import { aborted, converse, LONGEST_CALL, openConversation, untilEnded, Waiting } from './conversation.ts'
import type { Context } from './conversation.ts'

/** Resolves when nothing of the call is left: no dialog, no port, no line of the record that is not in the file. */
export async function answerCall(incoming: IncomingCall, context: Context): Promise<void> {
  const behaviour = behaviourOf(incoming.user)
  switch (behaviour.kind) {
    case 'Ignore':
      return incoming.ignore()
    case 'Reject':
      return incoming.reject(behaviour.code, behaviour.reason)
    case 'Ring':
      return ring(incoming, context)
    case 'Answer':
      return answer(incoming, behaviour, context)
  }
}

/** The engine gives up with 408 after three minutes, when nobody cancelled. */
async function ring(incoming: IncomingCall, { stopping }: Context): Promise<void> {
  incoming.ring(180)
  await aborted(incoming.cancelled, stopping)
  if (!incoming.cancelled.aborted) incoming.reject(480)
}

type Answer = Extract<Behaviour, { kind: 'Answer' }>

async function answer(incoming: IncomingCall, behaviour: Answer, context: Context): Promise<void> {
  const party = { callId: incoming.callId, user: incoming.user, direction: 'Incoming' } as const
  const { source, begin, end } = converse(party, behaviour.playback, context)
  const opened = await openConversation(context, incoming.remote.host, source, incoming.sdp)
  if (opened.kind === 'PortsExhausted') return incoming.reject(503, 'No RTP port is free')
  await using stream = opened.stream
  // A late offer (RFC 3261 13.2.1): ours goes in the 200, their answer comes with the ACK.
  const ours = incoming.sdp === undefined ? { sdp: stream.offer() } : stream.answer(incoming.sdp)
  if ('unusable' in ours) {
    context.log.info({ callId: incoming.callId, detail: ours.unusable }, 'offer refused')
    return incoming.reject(488)
  }

  if (!(await progress(incoming, behaviour, context))) return
  begin()
  let by: CallEnd['by'] = 'Timeout'
  try {
    const call = await connect(incoming, { stream, sdp: ours.sdp }, context)
    if (call) by = await untilEnded(call, behaviour.hangupAfter ?? LONGEST_CALL, context)
  } finally {
    stream.stop()
    await end(by)
  }
}

/** Sends the provisional responses at their times; true when it is time to answer. */
async function progress(incoming: IncomingCall, behaviour: Answer, { clock, stopping }: Context): Promise<boolean> {
  using waiting = new Waiting(incoming.cancelled, stopping)
  const start = clock.monotonic()
  const until = (after: number) => sleep(clock, Math.max(0, start + after - clock.monotonic()), waiting.signal)
  for (const { after, code } of behaviour.provisional) {
    if (after > 0) await until(after)
    if (waiting.signal.aborted) break
    incoming.ring(code)
  }
  if (behaviour.answerAfter > 0) await until(behaviour.answerAfter)
  if (incoming.cancelled.aborted) return false
  if (stopping.aborted) incoming.reject(480)
  return !stopping.aborted
}

/** Sends the 200. Media runs from then on and not from the ACK, so that a packet is heard that overtakes it. */
async function connect(
  incoming: IncomingCall,
  { stream, sdp }: { stream: AudioStream; sdp: string },
  { log }: Context,
): Promise<Call | undefined> {
  const connected = incoming.answer(sdp, { onReoffer: (offer) => stream.reoffer(offer) })
  if (incoming.sdp !== undefined) stream.begin()
  const { callId } = incoming
  stream.failed?.then(
    (failure) => log.info({ callId, ...failure }, 'no way for media'),
    (error: unknown) => log.error({ error, callId }, 'a stream broke'),
  )
  const call = await connected
  const unusable = call && incoming.sdp === undefined ? stream.accept(call.sdp) : undefined
  if (unusable === undefined) return call
  log.info({ callId, detail: unusable }, 'answer refused')
  void call?.bye()
  return call
}
