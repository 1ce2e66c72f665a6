/** Calls over a network that loses, doubles and reorders datagrams: all complete, and what is reported is what the relay has on record. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { buildAnswer, buildOffer, createNativeEngine, Trace } from '../../../agent/sip/index.ts'
import type { OutgoingCall, SignallingEngine } from '../../../agent/sip/index.ts'
import { systemClock } from '../../../lib/clock.ts'
import { seededRandom, systemRandom } from '../../../lib/random.ts'
import { impairedSip } from '../../lab/impaired-sip.ts'
import { arrivedAgain, type Impairment, type Relay, sentAgain } from '../../lab/impairment.ts'
import { shows } from '../../lab/features.ts'
import { temporaryFolder, until } from '../../lab/process.ts'
import { type SippCallee, sippCallee } from '../../lab/sipp.ts'

let stack: AsyncDisposableStack
beforeEach(() => void (stack = new AsyncDisposableStack()))
afterEach(() => stack.disposeAsync())

const media = { address: '127.0.0.1', rtpPort: 40_000, rtcpPort: 40_001, ptime: 20, sessionId: 1 }
const LOSS: Impairment = { loss: 0.1 }
/** More jitter than there is between two messages of a call. */
const DISORDER: Impairment = { duplication: 0.3, delay: 5, jitter: 60 }

async function engine(): Promise<SignallingEngine> {
  const options = { clock: systemClock, random: systemRandom, host: '127.0.0.1', userAgent: 'lab' }
  return stack.use(await createNativeEngine(options))
}

/**
 * SIPp fails a call whose INVITE comes again when both of its responses were lost, and one whose ACK comes after the BYE; and it forgets
 * a call soon after its BYE, which may come again once more.
 */
async function patientSipp(): Promise<SippCallee> {
  const scenario = join(stack.use(temporaryFolder('patient')).path, 'callee.xml')
  const callee = readFileSync(join(import.meta.dirname, '../../lab/scenarios/callee.xml'), 'utf8')
  writeFileSync(scenario, callee.replace('<timewait milliseconds="1000" />', '<timewait milliseconds="40000" />'))
  return stack.use(await sippCallee({ scenario, tolerant: true }))
}

async function relayed(left: number, right: number, impairment: Impairment): Promise<Relay> {
  const impairments = { left: impairment, right: impairment }
  return stack.use(await impairedSip({ left, right, random: seededRandom(7), impairments }))
}

interface Placed {
  outgoing: OutgoingCall
  trace: Trace
  /** `Done`, or what went wrong. */
  end: string
}

/** So many are up at once: a machine that cannot keep up would make retransmissions of its own. */
const AT_ONCE = 250

/** Places `count` calls through the relay; each is hung up as soon as it is answered. */
async function place(caller: SignallingEngine, relay: Relay, count: number): Promise<Placed[]> {
  const nextHop = { host: '127.0.0.1', port: relay.ports.left, transport: 'UDP' } as const
  const party = { aor: 'sip:alice@lab.test', contactUser: 'alice', nextHop, outboundProxy: false }
  const offer = buildOffer({ ...media, codecs: ['PCMU'] })
  const target = `sip:bob@127.0.0.1:${relay.ports.left}`
  const placed: Placed[] = []
  let begun = 0
  const oneAfterTheOther = async (): Promise<void> => {
    while (begun < count) {
      const trace = new Trace()
      const { signal } = new AbortController()
      const asked = { party, callId: `impaired-${begun++}`, timeout: 60_000, trace, signal, offer, target }
      const outgoing = caller.invite(asked)
      const outcome = await outgoing.outcome
      const end = outcome.kind === 'Answered' ? (await outcome.call.bye()).kind : outcome.kind
      placed.push({ outgoing, trace, end })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, oneAfterTheOther))
  expect(placed.filter(({ end }) => end !== 'Done').map(({ end }) => end)).toEqual([])
  expect(placed).toHaveLength(count)
  return placed
}

/** Our engine as callee: rings and answers. The traces are those of the calls that it was told of. */
async function answering(): Promise<{ port: number; traces: Trace[] }> {
  const callee = await engine()
  const traces: Trace[] = []
  const taken = callee.onInvite('bob', (incoming) => {
    traces.push(incoming.trace)
    incoming.ring()
    const answer = buildAnswer(incoming.sdp ?? '', { ...media, codecs: ['PCMU'] })
    if (answer.kind === 'Answer') void incoming.answer(answer.sdp)
  })
  stack.use(taken)
  return { port: callee.ports.UDP, traces }
}

interface Repeated {
  sent: number
  received: number
}

function countedBy(calls: readonly Placed[]): Repeated {
  const total = (key: 'retransmissionsSent' | 'retransmissionsReceived') =>
    calls.reduce((sum, { outgoing }) => sum + outgoing.counters[key], 0)
  return { sent: total('retransmissionsSent'), received: total('retransmissionsReceived') }
}

function tracedIn(traces: readonly Trace[]): Repeated {
  const again = traces.flatMap(({ messages }) => messages.filter(({ retransmission }) => retransmission))
  const sent = again.filter(({ direction }) => direction === 'Out').length
  return { sent, received: again.length - sent }
}

/** Once the last datagrams have arrived. */
async function agree<Value>(reported: () => Value, recorded: () => Value): Promise<void> {
  const equal = () => isDeepStrictEqual(reported(), recorded())
  await until(equal, { what: 'both agree', within: 5_000 }).catch(() => {})
  expect(reported()).toEqual(recorded())
}

describe('with 10 % of datagrams lost each way all of 1,000 calls complete, and what we sent again is what the relay saw', () => {
  test('to SIPp', shows({ SIPp: ['retransmissions', 'invite-client', 'non-invite-client'] }), async () => {
    const [caller, callee] = [await engine(), await patientSipp()]
    const relay = await relayed(caller.ports.UDP, callee.port, LOSS)
    const calls = await place(caller, relay, 1000)
    await agree(
      () => countedBy(calls).sent,
      () => sentAgain(relay.record.left),
    )
    const reported = countedBy(calls)
    expect(tracedIn(calls.map(({ trace }) => trace))).toEqual(reported)
    expect(reported.sent).toBeGreaterThan(200)
    expect(reported.received).toBeGreaterThan(0)
    expect(reported.received).toBeLessThanOrEqual(arrivedAgain(relay.record.right))
    await until(() => callee.counts().calls === 1000, { what: 'SIPp has counted the calls' })
    expect(callee.counts().failed).toBe(0)
  })

  test('to ourselves', async () => {
    const [caller, callee] = [await engine(), await answering()]
    const relay = await relayed(caller.ports.UDP, callee.port, LOSS)
    const calls = await place(caller, relay, 1000)
    await agree(
      () => countedBy(calls).sent,
      () => sentAgain(relay.record.left),
    )
    await agree(
      () => tracedIn(callee.traces).sent,
      () => sentAgain(relay.record.right),
    )
    expect(callee.traces).toHaveLength(1000)
  })
})

describe('with datagrams doubled and out of order all of 200 calls complete, and none is answered twice', () => {
  test('to SIPp', shows({ SIPp: ['duplicates'] }), async () => {
    const [caller, callee] = [await engine(), await patientSipp()]
    const relay = await relayed(caller.ports.UDP, callee.port, DISORDER)
    const calls = await place(caller, relay, 200)
    expect(relay.record.right.filter(({ overtaken }) => overtaken).length).toBeGreaterThan(50)
    await agree(
      () => countedBy(calls).sent,
      () => sentAgain(relay.record.left),
    )
    await until(() => callee.counts().calls >= 200, { what: 'SIPp has counted the calls' })
    expect(callee.counts()).toMatchObject({ calls: 200, failed: 0 })
  })

  test('to ourselves', async () => {
    const [caller, callee] = [await engine(), await answering()]
    const relay = await relayed(caller.ports.UDP, callee.port, DISORDER)
    const calls = await place(caller, relay, 200)
    expect(relay.record.left.filter(({ overtaken }) => overtaken).length).toBeGreaterThan(50)
    await agree(
      () => countedBy(calls).sent,
      () => sentAgain(relay.record.left),
    )
    await agree(
      () => tracedIn(callee.traces).sent,
      () => sentAgain(relay.record.right),
    )
    expect(callee.traces).toHaveLength(200)
    // A second answer would have a To tag of its own.
    const tags = callee.traces.flatMap(({ messages }) =>
      messages.flatMap(({ text }) =>
        text.startsWith('SIP/2.0 200') ? (/^To: .*tag=(\S+)/m.exec(text)?.[1] ?? []) : [],
      ),
    )
    expect(new Set(tags).size).toBe(200)
  })
})
