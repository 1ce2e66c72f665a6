/** Each transport to a real registrar and proxy: a registration, calls out and in by it, OPTIONS both ways. TLS itself is in tls.test.ts. */
import { describe, expect, test } from 'vitest'
import { readAudio } from '../../../agent/sip/index.ts'
import { certificateAuthority } from '../../lab/certificates.ts'
import { shows } from '../../lab/features.ts'
import { kamailio } from '../../lab/kamailio.ts'
import { until } from '../../lab/process.ts'
import { sippCallee, sippCaller } from '../../lab/sipp.ts'
import * as agents from './agents.ts'

const authority = await certificateAuthority()
const tls = { identity: await authority.issue(['127.0.0.1']) }

const TRANSPORTS = [
  ['UDP', 'udp'],
  ['TCP', 'tcp'],
  ['TLS', 'tls'],
  ['WS', 'ws'],
  ['WSS', 'wss'],
] as const

describe.each(TRANSPORTS)('through Kamailio over %s', (transport, feature) => {
  const secured = transport === 'TLS' || transport === 'WSS'

  /** Kamailio, and the hop to it by this transport. */
  async function proxy(routes: Record<string, string> = {}) {
    const lab = await kamailio({ routes, ...(secured && { tls }) })
    const settings = secured ? { tls: { ca: authority.ca, verify: 'Full' as const } } : {}
    return { lab, hop: { port: secured ? lab.tlsPort : lab.port, transport, ...settings } }
  }

  test(
    'SIPp is called, answers, and is hung up',
    shows({
      Kamailio: [feature, 'md5', 'route-set', 'authentication-rounds', ...(secured ? (['private-ca'] as const) : [])],
      SIPp: ['codec-preference'],
    }),
    async () => {
      await using peer = await sippCallee({ scenario: 'callee', tolerant: true })
      const { lab, hop } = await proxy({ svc: peer.target })
      await using _lab = lab
      await using ours = await agents.engine()
      const options = agents.invitation(agents.account(lab, 'alice', hop), 'svc1')
      const outgoing = ours.invite(options)
      const call = await agents.answered(outgoing)
      expect(readAudio(call.sdp, ['PCMA', 'PCMU'])).toMatchObject({ kind: 'Usable', audio: { codec: 'PCMU' } })
      expect(call.counters.authenticationRounds).toBe(1)
      expect(call.remote).toEqual({ host: '127.0.0.1', port: hop.port, transport })
      expect(outgoing.timings.ringing).toBeGreaterThan(0)
      expect(await call.bye('done')).toEqual({ kind: 'Done', code: 200 })
      await until(() => peer.counts().successful === 1, { what: 'SIPp has counted the call' })
      expect(peer.counts()).toMatchObject({ calls: 1, failed: 0 })
      // The proxy wants to stay on the way: what follows the INVITE names it.
      const bye = options.trace.messages.find(({ text }) => text.startsWith('BYE '))
      expect(bye?.text).toContain(`Route: <sip:127.0.0.1:`)
    },
  )

  test(
    'SIPp calls an account that we registered, by the connection that we made',
    shows({
      Kamailio: [feature, 'register', 'unregister', ...(transport === 'UDP' ? [] : (['connection-reuse'] as const))],
    }),
    async () => {
      const { lab, hop } = await proxy()
      await using _lab = lab
      await using ours = await agents.engine()
      const { registration } = await agents.registered(ours, agents.account(lab, 'bob', hop))
      expect(await lab.registrations()).toMatchObject([{ aor: 'bob' }])
      const called = agents.takeCall(ours, 'bob-contact')
      await using caller = await sippCaller({
        ...{ target: `127.0.0.1:${lab.port}`, scenario: 'call', service: 'bob', hold: 200 },
      })
      const call = await called
      expect(call.remote).toEqual({ host: '127.0.0.1', port: hop.port, transport })
      expect(await call.ended).toMatchObject({ by: 'Remote' })
      expect(await caller.finished).toMatchObject({ code: 0, successful: 1, failed: 0 })
      expect(await registration.unregister()).toEqual({ kind: 'Unregistered' })
      expect(await lab.registrations()).toEqual([])
      expect(ours.gauges.dialogs).toBe(0)
    },
  )

  test(
    'two of our engines call each other, and the callee hangs up',
    shows({ Kamailio: [feature, 'reason'] }),
    async () => {
      const { lab, hop } = await proxy()
      await using _lab = lab
      await using alice = await agents.engine()
      await using bob = await agents.engine()
      const { registration } = await agents.registered(bob, agents.account(lab, 'bob', hop))
      const called = agents.takeCall(bob, 'bob-contact')
      const call = await agents.answered(alice.invite(agents.invitation(agents.account(lab, 'alice', hop), 'bob')))
      expect(await (await called).bye('enough')).toEqual({ kind: 'Done', code: 200 })
      expect(await call.ended).toEqual({ by: 'Remote', reason: 'enough' })
      await registration.unregister()
    },
  )

  test('OPTIONS is answered', shows({ Kamailio: ['options-sent'] }), async () => {
    const { lab, hop } = await proxy()
    await using _lab = lab
    await using ours = await agents.engine()
    const target = `sip:${lab.host}:${hop.port}`
    const outcome = await ours.options({ ...agents.request(agents.account(lab, 'alice', hop)), target })
    expect(outcome).toMatchObject({ kind: 'Answered', code: 200, remote: { transport } })
  })
})

test('rport: Kamailio answers to the port it saw, and says which', shows({ Kamailio: ['rport'] }), async () => {
  await using lab = await kamailio()
  await using ours = await agents.engine()
  const options = agents.request(agents.account(lab, 'alice'))
  expect(await ours.options({ ...options, target: `sip:${lab.host}:${lab.port}` })).toMatchObject({ code: 200 })
  const [asked, answer] = options.trace.messages
  expect(asked?.text).toMatch(/^Via: .*;rport(;|\r$)/m)
  expect(answer?.text).toMatch(new RegExp(`^Via: .*;rport=${ours.ports.UDP}(;|\r$)`, 'm'))
})

test('IPv6: a call through Kamailio at ::1', shows({ Kamailio: ['ipv6'] }), async () => {
  await using peer = await sippCallee({ scenario: 'callee', tolerant: true })
  await using lab = await kamailio({ ipv6: true, routes: { svc: peer.target } })
  await using ours = await agents.engine({ host: '::' })
  const hop = { host: '::1', port: lab.port }
  for (const transport of ['UDP', 'TCP'] as const) {
    const options = agents.invitation(agents.account(lab, 'alice', { ...hop, transport }), 'svc1')
    const call = await agents.answered(ours.invite({ ...options, target: `sip:svc1@[::1]:${lab.port}` }))
    expect(call.remote).toMatchObject({ ...hop, transport })
    expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
    expect(agents.textOf(options.trace)).toMatch(/^Via: SIP\/2\.0\/(UDP|TCP) \[::1\]:\d+/m)
  }
  await until(() => peer.counts().successful === 2, { what: 'SIPp has counted the calls' })
})

describe.each([
  ['UDP', 'udp'],
  ['TCP', 'tcp'],
] as const)('SIPp itself over %s', (transport, lower) => {
  test(
    '100 calls at once by one socket are answered and hung up',
    shows({ SIPp: ['shared-sockets', lower, ...(transport === 'TCP' ? (['framing'] as const) : [])] }),
    async () => {
      await using peer = await sippCallee({ transport: lower, scenario: 'callee' })
      await using ours = await agents.engine()
      const ports = new Set<string>()
      const ends = Array.from({ length: 100 }, async () => {
        const options = agents.invitation(agents.direct(peer, { transport }))
        const outcome = await ours.invite(options).outcome
        for (const [, port] of agents.textOf(options.trace).matchAll(/^Via: .*;rport=(\d+)/gm)) ports.add(port ?? '')
        return outcome.kind === 'Answered' ? (await outcome.call.bye()).kind : outcome.kind
      })
      expect(new Set(await Promise.all(ends))).toEqual(new Set(['Done']))
      await until(() => peer.counts().successful === 100, { what: 'SIPp has counted the calls', within: 15_000 })
      expect(peer.counts().failed).toBe(0)
      expect(ports.size).toBeLessThanOrEqual(1)
    },
  )
})
