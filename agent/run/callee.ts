/** A call that somebody else places: register under a contact that nobody can guess, wait for the first call to it, answer, hold. */
import { token } from '../../lib/random.ts'
import type { IncomingCall } from '../sip/index.ts'
import type { AudioStream } from '../stream/index.ts'
import { hangUp, hold, openAudio } from './audio-call.ts'
import type { Check, CheckContext } from './check.ts'
import { guarded, NOBODY, partyOf } from './check.ts'
import { verdict } from './classify.ts'
import { limits } from './limits.ts'
import { within } from './patience.ts'
import { whileRegistered } from './registration.ts'

/** 124 bits: a scanner's INVITE does not hit it. */
const CONTACT_LENGTH = 24

export const callee: Check = async (context) => {
  const { plan, random, engine } = context
  const { account, registrar } = plan.endpoint
  // A trunk that does not register us calls the number it knows.
  const contactUser = registrar.register
    ? token(random, CONTACT_LENGTH)
    : (account?.extension ?? account?.username ?? NOBODY)
  using first = new FirstCall()
  using _ = engine.onInvite(contactUser, (incoming) => first.offer(incoming))
  if (!registrar.register) return await receive(context, first)
  await whileRegistered(context, partyOf(plan, contactUser), (lost) => receive(context, first, lost))
}

async function receive(context: CheckContext, first: FirstCall, lost?: AbortSignal): Promise<void> {
  const { plan, endpoint, signal, clock } = context
  endpoint.enter('Waiting')
  using _window = clock.timer(plan.timeouts.call, () => first.close())
  const close = () => first.close()
  for (const each of [signal, lost]) {
    each?.addEventListener('abort', close, { once: true })
    if (each?.aborted) close()
  }
  const incoming = await first.call
  for (const each of [signal, lost]) each?.removeEventListener('abort', close)
  if (signal.aborted) {
    incoming?.reject(480)
    return endpoint.stop()
  }
  if (incoming) return await take(context, incoming)
  if (!endpoint.failed) endpoint.noCall(`Nobody called within ${plan.timeouts.call / 1000} s.`)
}

async function take(context: CheckContext, incoming: IncomingCall): Promise<void> {
  const { endpoint } = context
  context.alsoTraced(incoming.trace)
  endpoint.enter('Ringing', incoming.from)
  endpoint.peer(incoming)
  let answered = false
  try {
    incoming.ring()
    await using stream = await openAudio(context, incoming.remote.host, incoming.sdp === undefined)
    const description = stream && describe(incoming, stream)
    if (!stream || !description) return
    if ('unusable' in description) {
      incoming.reject(488)
      const message = `The offer of ${incoming.from} cannot be used: ${description.unusable}.`
      return endpoint.fail(verdict('NegotiationFailed', 'INVITE', message))
    }
    answered = true
    await converse(context, { incoming, stream, sdp: description.sdp })
  } finally {
    // After another final response this changes nothing.
    if (!answered) incoming.reject(480)
  }
}

/** An INVITE without an offer gets ours in the 200; the answer then comes in the ACK (RFC 3261 13.2.1). */
function describe({ sdp }: IncomingCall, stream: AudioStream): ReturnType<AudioStream['answer']> {
  return sdp === undefined ? { sdp: stream.offer() } : stream.answer(sdp)
}

interface Answering {
  incoming: IncomingCall
  stream: AudioStream
  sdp: string
}

async function converse(context: CheckContext, { incoming, stream, sdp }: Answering): Promise<void> {
  const { endpoint, clock, signal, plan } = context
  const { credentials } = partyOf(plan, '')
  const onReoffer = (offer: string | undefined) => guarded(context, () => stream.reoffer(offer))
  // A proxy may challenge our BYE as it does an INVITE.
  const answering = incoming.answer(sdp, { onReoffer, ...(credentials && { credentials }) })
  if (incoming.sdp !== undefined) stream.begin()
  const patience = { clock, limit: LONGEST_ACK, signal, limitOfStopped: limits.goodbyeOfStopped }
  const call = await within(answering, patience)
  if (!call) {
    // Its ACK may still come: nobody would hang up then.
    void answering.then((late) => late?.bye('stopped'))
    return noCallCameOfIt(context, incoming)
  }
  try {
    endpoint.answered({ code: 200, reason: 'OK' })
    endpoint.counts(call.counters)
    const unusable = incoming.sdp === undefined ? stream.accept(call.sdp) : undefined
    if (unusable === undefined) await hold(context, { call, stream })
    else endpoint.fail(verdict('NegotiationFailed', 'INVITE', `The answer in the ACK cannot be used: ${unusable}.`))
  } finally {
    await hangUp(context, { call, stream })
  }
}

/** Timer H and a little (RFC 3261 17.2.1): the engine gives up before. */
const LONGEST_ACK = 35_000

function noCallCameOfIt({ endpoint, signal }: CheckContext, { cancelled, from }: IncomingCall): void {
  if (signal.aborted) return endpoint.stop()
  const [failureClass, message] = cancelled.aborted
    ? (['RemoteHangup', `${from} cancelled the call before it was answered.`] as const)
    : (['ResponseTimeout', `No ACK came from ${from} to our 200.`] as const)
  endpoint.fail(verdict(failureClass, 'INVITE', message))
}

/** The first call that comes while it is open; whoever comes second is told that we are busy, whoever comes late that we are not there. */
class FirstCall implements Disposable {
  readonly #first = Promise.withResolvers<IncomingCall | undefined>()
  #state: 'Open' | 'Taken' | 'Closed' = 'Open'

  offer(incoming: IncomingCall): void {
    if (this.#state === 'Taken') return incoming.reject(486)
    if (this.#state === 'Closed') return incoming.reject(480)
    this.#state = 'Taken'
    this.#first.resolve(incoming)
  }

  /** Undefined: it was closed before one came. */
  get call(): Promise<IncomingCall | undefined> {
    return this.#first.promise
  }

  close(): void {
    if (this.#state === 'Open') this.#state = 'Closed'
    this.#first.resolve(undefined)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
