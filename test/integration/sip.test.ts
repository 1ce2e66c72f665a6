import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Call, LocalParty, SignallingEngine, Transport } from '../../agent/sip/index.ts'
import { buildAnswer, buildOffer, createNativeEngine, readAudio, Trace } from '../../agent/sip/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { systemRandom } from '../../lib/random.ts'
import { type Kamailio, kamailio } from '../lab/kamailio.ts'
import { freePort } from '../lab/ports.ts'
import { until } from '../lab/process.ts'
import { sippCallee, sippCaller } from '../lab/sipp.ts'

/** SIPp's own `uas` leaves out Record-Route, and its answers to a BYE that comes straight from us go to the proxy. */
const CALLEE = join(import.meta.dirname, '../lab/scenarios/callee.xml')

const media = { address: '127.0.0.1', rtpPort: 40_000, rtcpPort: 40_001, ptime: 20, sessionId: 1 }

/** Bound to all addresses, as the agent is. */
function engine(): Promise<SignallingEngine> {
  return createNativeEngine({ clock: systemClock, random: systemRandom, host: '0.0.0.0', userAgent: 'lab' })
}

function account(lab: Kamailio, user: string, transport: Transport, password = lab.password(user)): LocalParty {
  return {
    aor: `sip:${user}@${lab.domain}`,
    contactUser: `${user}-contact`,
    credentials: { username: user, password },
    nextHop: { host: lab.host, port: lab.port, transport },
    outboundProxy: false,
  }
}

let requests = 0

function common(party: LocalParty) {
  const signal = new AbortController().signal
  return { party, callId: `integration-${++requests}`, timeout: 10_000, trace: new Trace(), signal }
}

async function callee(ours: SignallingEngine): Promise<Call> {
  const { promise, resolve, reject } = Promise.withResolvers<Call>()
  const taken = ours.onInvite('bob-contact', (incoming) => {
    incoming.ring()
    const answer = buildAnswer(incoming.sdp ?? '', { ...media, codecs: ['PCMU', 'PCMA'] })
    if (answer.kind === 'Unusable') return reject(new Error(answer.detail))
    void incoming.answer(answer.sdp).then((call) => (call ? resolve(call) : reject(new Error('no ACK came'))))
  })
  return promise.finally(() => taken[Symbol.dispose]())
}

describe.each<'MD5' | 'SHA-256'>(['MD5', 'SHA-256'])('Kamailio with %s', (algorithm) => {
  test.each<Transport>(['UDP', 'TCP'])(
    'registers over %s, and nothing is left after unregistering',
    async (transport) => {
      await using lab = await kamailio({ algorithm })
      await using ours = await engine()
      const options = common(account(lab, 'alice', transport))
      const outcome = await ours.register({ ...options, expires: 60 })
      if (outcome.kind !== 'Registered') throw new Error(JSON.stringify(outcome))
      const { registration } = outcome
      expect(registration.expires).toBe(60)
      expect(registration.counters.authenticationRounds).toBe(1)
      expect(await lab.registrations()).toMatchObject([{ aor: 'alice', contact: registration.contact }])
      expect(options.trace.messages.map(({ text }) => text).join('')).toMatch(new RegExp(`algorithm=${algorithm}`))
      expect(await registration.unregister()).toEqual({ kind: 'Unregistered' })
      expect(await lab.registrations()).toEqual([])
      expect(registration.counters.authenticationRounds).toBe(1)
    },
  )

  test('a wrong password is refused', async () => {
    await using lab = await kamailio({ algorithm })
    await using ours = await engine()
    const outcome = await ours.register({ ...common(account(lab, 'alice', 'UDP', 'guess')), expires: 60 })
    expect(outcome).toMatchObject({ kind: 'AuthenticationFailed', code: 401 })
  })
})

describe.each<Transport>(['UDP', 'TCP'])('through Kamailio over %s', (transport) => {
  test('SIPp is called, answers, and is hung up', async () => {
    await using peer = await sippCallee({ scenario: CALLEE })
    await using lab = await kamailio({ routes: { svc: peer.target } })
    await using ours = await engine()
    const options = common(account(lab, 'alice', transport))
    const outgoing = ours.invite({
      ...options,
      target: `sip:svc1@${lab.domain}`,
      offer: buildOffer({ ...media, codecs: ['PCMA', 'PCMU'] }),
    })
    const outcome = await outgoing.outcome
    if (outcome.kind !== 'Answered') throw new Error(JSON.stringify(outcome))
    const { call } = outcome
    expect(readAudio(call.sdp, ['PCMA', 'PCMU'])).toMatchObject({ kind: 'Usable', audio: { codec: 'PCMU' } })
    expect(call.counters.authenticationRounds).toBe(1)
    expect(outgoing.timings.ringing).toBeGreaterThan(0)
    expect(await call.bye('done')).toEqual({ kind: 'Done', code: 200 })
    await until(() => peer.counts().successful === 1, { what: 'SIPp has counted the call' })
    expect(peer.counts()).toMatchObject({ calls: 1, failed: 0 })
  })

  test('nobody at home is 404, a dead target 408, both acknowledged', async () => {
    await using lab = await kamailio({ frTimer: 1, routes: { svc: `127.0.0.1:${await freePort()}` } })
    await using ours = await engine()
    const offer = buildOffer({ ...media, codecs: ['PCMA'] })
    for (const [user, code] of [
      ['nobody', 404],
      ['svc', 408],
    ] as const) {
      const options = common(account(lab, 'alice', transport))
      const { outcome } = ours.invite({ ...options, target: `sip:${user}@${lab.domain}`, offer })
      expect(await outcome).toMatchObject({ kind: 'Rejected', code })
      expect(options.trace.messages.at(-1)?.text).toMatch(/^ACK /)
    }
  })

  test('SIPp calls an account that we registered', async () => {
    await using lab = await kamailio()
    await using ours = await engine()
    const registered = await ours.register({ ...common(account(lab, 'bob', transport)), expires: 60 })
    if (registered.kind !== 'Registered') throw new Error(JSON.stringify(registered))
    const called = callee(ours)
    await using caller = await sippCaller({
      target: `127.0.0.1:${lab.port}`,
      scenario: 'call',
      service: 'bob',
      transport: transport === 'TCP' ? 'tcp' : 'udp',
      hold: 300,
    })
    const call = await called
    expect(readAudio(call.sdp, ['PCMU'])).toMatchObject({ kind: 'Usable' })
    expect(call.remote).toMatchObject({ host: '127.0.0.1', transport })
    expect(await call.ended).toMatchObject({ by: 'Remote' })
    expect(await caller.finished).toMatchObject({ code: 0, successful: 1, failed: 0 })
    await registered.registration.unregister()
    expect(await lab.registrations()).toEqual([])
    expect(ours.gauges.dialogs).toBe(0)
  })

  test('two of our engines call each other, and the callee hangs up', async () => {
    await using lab = await kamailio()
    await using alice = await engine()
    await using bob = await engine()
    const registered = await bob.register({ ...common(account(lab, 'bob', transport)), expires: 60 })
    if (registered.kind !== 'Registered') throw new Error(JSON.stringify(registered))
    const called = callee(bob)
    const options = common(account(lab, 'alice', transport))
    const offer = buildOffer({ ...media, codecs: ['PCMA'] })
    const outcome = await alice.invite({ ...options, target: `sip:bob@${lab.domain}`, offer }).outcome
    if (outcome.kind !== 'Answered') throw new Error(JSON.stringify(outcome))
    expect(await (await called).bye('enough')).toEqual({ kind: 'Done', code: 200 })
    expect(await outcome.call.ended).toEqual({ by: 'Remote', reason: 'enough' })
    await registered.registration.unregister()
  })

  test('OPTIONS is answered', async () => {
    await using lab = await kamailio()
    await using ours = await engine()
    const options = common(account(lab, 'alice', transport))
    const target = `sip:${lab.host}:${lab.port}`
    expect(await ours.options({ ...options, target })).toMatchObject({ kind: 'Answered', code: 200 })
  })
})

describe.each<'udp' | 'tcp'>(['udp', 'tcp'])('SIPp itself over %s', (transport) => {
  const upper = transport === 'tcp' ? 'TCP' : 'UDP'

  test('100 calls at once are answered and hung up', async () => {
    await using peer = await sippCallee({ transport })
    await using ours = await engine()
    const party = { aor: 'sip:a@lab.test', contactUser: 'a', outboundProxy: false } as const
    const nextHop = { host: '127.0.0.1', port: peer.port, transport: upper } as const
    const offer = buildOffer({ ...media, codecs: ['PCMU'] })
    const ends = Array.from({ length: 100 }, async () => {
      const target = `sip:service@${peer.target}`
      const outcome = await ours.invite({ ...common({ ...party, nextHop }), target, offer }).outcome
      return outcome.kind === 'Answered' ? (await outcome.call.bye()).kind : outcome.kind
    })
    expect(new Set(await Promise.all(ends))).toEqual(new Set(['Done']))
    await until(() => peer.counts().successful === 100, { what: 'SIPp has counted the calls', within: 15_000 })
    expect(peer.counts().failed).toBe(0)
  })
})
