/** Calls over a network that loses, doubles and reorders datagrams: all complete, and what is reported is what the relay has on record. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { buildAnswer, buildOffer, createNativeEngine, Trace } from '../../../agent/sip/index.ts'
import type { IncomingCall, OutgoingCall, SignallingEngine } from '../../../agent/sip/index.ts'
import { systemClock } from '../../../lib/clock.ts'
import { seededRandom, systemRandom } from '../../../lib/random.ts'
import { impairedSip } from '../../lab/impaired-sip.ts'
import type { Impairment } from '../../lab/impairment-schedule.ts'
import { arrivedAgain, type Relay, sentAgain } from '../../lab/impairment.ts'
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

/** So many are up at once: a machine that cannot keep up would make retransmissions of its own. */
const AT_ONCE = 250

/** Places `count` calls through the relay; each is hung up as soon as it is answered. */
async function place(caller: SignallingEngine, relay: Relay, count: number): Promise<OutgoingCall[]> {
  const nextHop = { host: '127.0.0.1', port: relay.ports.left, transport: 'UDP' } as const
  const party = { aor: 'sip:alice@lab.test', contactUser: 'alice', nextHop, outboundProxy: false }
  const offer = buildOffer({ ...media, codecs: ['PCMU'] })
  const target = `sip:bob@127.0.0.1:${relay.ports.left}`
  const placed: OutgoingCall[] = []
  const failed: string[] = []
  let begun = 0
  const oneAfterTheOther = async (): Promise<void> => {
    while (begun < count) {
      const asked = { party, callId: `impaired-${begun++}`, timeout: 60_000, trace: new Trace(), offer, target }
      const outgoing = caller.invite(asked)
      placed.push(outgoing)
      const outcome = await outgoing.outcome
      const end = outcome.kind === 'Answered' ? await outcome.call.bye() : outcome
      if (end.kind !== 'Done') failed.push(`${asked.callId}: ${end.kind}`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, oneAfterTheOther))
  expect(failed).toEqual([])
  expect(placed).toHaveLength(count)
  return placed
}

/** Our engine as callee: rings and answers. `taken` are the calls that it was told of. */
async function answering(): Promise<{ port: number; taken: IncomingCall[] }> {
  const callee = await engine()
  const taken: IncomingCall[] = []
  const taking = callee.onInvite('bob', (incoming) => {
    taken.push(incoming)
    incoming.ring()
    const answer = buildAnswer(incoming.sdp ?? '', { ...media, codecs: ['PCMU'] })
    if (answer.kind === 'Answer') void incoming.answer(answer.sdp)
  })
  stack.use(taking)
  return { port: callee.ports.UDP, taken }
}

type Counting = Pick<OutgoingCall, 'counters'>
const sentBy = (calls: readonly Counting[]) => calls.reduce((sum, each) => sum + each.counters.retransmissionsSent, 0)
const receivedBy = (calls: readonly Counting[]) =>
  calls.reduce((sum, each) => sum + each.counters.retransmissionsReceived, 0)

/** Once the last datagrams have arrived. */
async function agree(reported: () => number, recorded: () => number): Promise<void> {
  await until(() => reported() === recorded(), { what: 'both agree', within: 5_000 }).catch(() => {})
  expect(reported()).toBe(recorded())
}

describe('with 10 % of datagrams lost each way all of 1,000 calls complete, and what we sent again is what the relay saw', () => {
  test('to SIPp', shows({ SIPp: ['retransmissions', 'invite-client', 'non-invite-client'] }), async () => {
    const [caller, callee] = [await engine(), await patientSipp()]
    const relay = await relayed(caller.ports.UDP, callee.port, LOSS)
    const calls = await place(caller, relay, 1000)
    await agree(
      () => sentBy(calls),
      () => sentAgain(relay.record.left),
    )
    expect(sentBy(calls)).toBeGreaterThan(200)
    expect(receivedBy(calls)).toBeGreaterThan(0)
    expect(receivedBy(calls)).toBeLessThanOrEqual(arrivedAgain(relay.record.right))
    await until(() => callee.counts().calls === 1000, { what: 'SIPp has counted the calls' })
    expect(callee.counts().failed).toBe(0)
  })

  test('to ourselves', async () => {
    const [caller, callee] = [await engine(), await answering()]
    const relay = await relayed(caller.ports.UDP, callee.port, LOSS)
    const calls = await place(caller, relay, 1000)
    await agree(
      () => sentBy(calls),
      () => sentAgain(relay.record.left),
    )
    await agree(
      () => sentBy(callee.taken),
      () => sentAgain(relay.record.right),
    )
    expect(callee.taken).toHaveLength(1000)
  })
})

describe('with datagrams doubled and out of order all of 200 calls complete, and none is answered twice', () => {
  test('to SIPp', shows({ SIPp: ['duplicates'] }), async () => {
    const [caller, callee] = [await engine(), await patientSipp()]
    const relay = await relayed(caller.ports.UDP, callee.port, DISORDER)
    const calls = await place(caller, relay, 200)
    expect(relay.record.right.filter(({ overtaken }) => overtaken).length).toBeGreaterThan(50)
    await agree(
      () => sentBy(calls),
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
      () => sentBy(calls),
      () => sentAgain(relay.record.left),
    )
    await agree(
      () => sentBy(callee.taken),
      () => sentAgain(relay.record.right),
    )
    expect(callee.taken).toHaveLength(200)
    // A second answer would have a To tag of its own.
    const tags = callee.taken.flatMap(({ trace }) =>
      trace.messages.flatMap(({ text }) =>
        text.startsWith('SIP/2.0 200') ? (/^To: .*tag=(\S+)/m.exec(text)?.[1] ?? []) : [],
      ),
    )
    expect(new Set(tags).size).toBe(200)
  })
})
