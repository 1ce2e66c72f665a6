/** Calls a user that registered, again and again, so that a callee has somebody who calls it; it answers nothing. */
import { sleep } from '../../lib/clock.ts'
import { token } from '../../lib/random.ts'
import { parseDuration } from '../../crds/duration.ts'
import { parseUri, Trace } from '../sip/index.ts'
import type { Endpoint, LocalParty } from '../sip/index.ts'
import type { Binding, Bindings } from './bindings.ts'
import { converse, openConversation, untilEnded } from './conversation.ts'
import type { Context } from './conversation.ts'

/** An order to call somebody. */
export interface Calling {
  readonly user: string
  /** Milliseconds from the start of one call to the start of the next, at least. */
  readonly every: number
}

/** Who hangs up first is the callee; after this we do. Milliseconds. */
const LONGEST_TALK = 60_000

/** How long a callee may let it ring, milliseconds. */
const ANSWER_WITHIN = 30_000

/** Reads `USER@:EVERY`, such as `bob@:8s`: the account that is called, and how often. Nothing: it is not of this form. */
export function parseCalling(text: string): Calling | undefined {
  const match = /^([^@:\s]{1,128})@:(\S+)$/.exec(text)
  const [, user, every = ''] = match ?? []
  const milliseconds = parseDuration(every)
  return user === undefined || !milliseconds ? undefined : { user, every: milliseconds }
}

export interface CallerContext extends Context {
  readonly bindings: Bindings
  /** Host part of our own address-of-record. */
  readonly domain: string
}

/**
 * Calls `user` as soon as it is registered, then every `every` milliseconds; a user that is not registered is waited for. One call at
 * a time. Resolves when the responder stops and the last call is over.
 */
export async function callRepeatedly({ user, every }: Calling, context: CallerContext): Promise<void> {
  const { clock, bindings, stopping, log } = context
  while (!stopping.aborted) {
    const binding = await bindings.first(user, stopping)
    if (!binding) return
    const started = clock.monotonic()
    try {
      await callOnce(user, binding, context)
    } catch (error) {
      log.error({ error, user }, 'call failed')
    }
    await sleep(clock, Math.max(0, started + every - clock.monotonic()), stopping)
  }
}

async function callOnce(user: string, { uri }: Binding, context: CallerContext): Promise<void> {
  const { engine, domain, random, log } = context
  const nextHop = endpointOf(uri)
  if (!nextHop) return log.warn({ user, uri }, 'a contact that cannot be called')
  const callId = `respond-${token(random, 20)}`
  const { source, begin, end } = converse({ callId, user, direction: 'Outgoing' }, { kind: 'Speech' }, context)
  const opened = await openConversation(context, nextHop, source)
  if (opened.kind === 'PortsExhausted') return log.warn({ user, range: opened.range }, 'no RTP port is free')
  await using stream = opened.stream

  const party: LocalParty = {
    aor: `sip:ringcheck@${domain}`,
    contactUser: token(random),
    nextHop,
    outboundProxy: false,
  }
  const { outcome: answered } = engine.invite({
    party,
    callId,
    timeout: ANSWER_WITHIN,
    trace: new Trace({ messages: 0, bytes: 0 }),
    signal: context.stopping,
    target: uri,
    offer: stream.offer(),
    onReoffer: (offer) => stream.reoffer(offer),
  })
  const outcome = await answered
  if (outcome.kind !== 'Answered') return log.warn({ user, callId, ...outcome }, 'nobody answered our call')

  begin()
  const unusable = stream.accept(outcome.call.sdp)
  if (unusable !== undefined) log.warn({ user, callId, detail: unusable }, 'the answer cannot be used')
  const by = await untilEnded(outcome.call, unusable === undefined ? LONGEST_TALK : 0, context)
  stream.stop()
  await end(by)
}

/** Where a contact is: its own address, without a proxy in between. Nothing: a transport that we have not. */
function endpointOf(contact: string): Endpoint | undefined {
  const uri = parseUri(contact)
  const transport = uri?.parameters.get('transport')?.toUpperCase() ?? 'UDP'
  if (!uri || uri.scheme !== 'sip' || (transport !== 'UDP' && transport !== 'TCP')) return undefined
  return { host: uri.host, port: uri.port ?? 5060, transport }
}
