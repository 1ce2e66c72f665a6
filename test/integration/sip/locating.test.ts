/** Servers behind a name of a real name server (RFC 3263): which of them is asked, over what, and who is next when one fails. */
import { describe, expect, test } from 'vitest'
import type { LocalParty } from '../../../agent/sip/index.ts'
import { dns, silentDns } from '../../lab/dns.ts'
import { shows } from '../../lab/features.ts'
import { kamailio } from '../../lab/kamailio.ts'
import { freePort } from '../../lab/ports.ts'
import { until } from '../../lab/process.ts'
import { sippCallee } from '../../lab/sipp.ts'
import * as agents from './agents.ts'

const DOMAIN = 'ring.test'
const hosts = { [`s.${DOMAIN}`]: ['127.0.0.1'] }

function party(hop: Partial<agents.Hop> = {}): LocalParty {
  return { ...agents.direct({ port: 0 }), nextHop: { host: DOMAIN, ...hop } }
}

function invitation(hop: Partial<agents.Hop> = {}) {
  return { ...agents.invitation(party(hop)), target: `sip:service@${DOMAIN}` }
}

function services(transport: 'udp' | 'tcp', ports: readonly number[]) {
  return ports.map((port, priority) => ({
    name: `_sip._${transport}.${DOMAIN}`,
    target: `s.${DOMAIN}`,
    port,
    priority,
  }))
}

describe('SIPp, of two servers by SRV the second', () => {
  test.each([
    ['says nothing', 'udp', 'silent', 'NoResponse'],
    ['is unavailable', 'udp', 'unavailable', 'Rejected'],
    ['refuses the connection', 'tcp', undefined, 'ConnectFailed'],
  ] as const)(
    'is called when the first %s',
    shows({ SIPp: ['srv', 'failover-silence', 'failover-503', 'failover-refused', 'used-address'] }),
    async (_, transport, scenario, why) => {
      await using first =
        scenario === undefined ? undefined : await sippCallee({ scenario, keys: { header: 'Retry-After: 30' } })
      await using second = await sippCallee({ scenario: 'callee', transport })
      const dead = first?.port ?? (await freePort())
      await using names = await dns({ hosts, srv: services(transport, [dead, second.port]) })
      await using ours = await agents.engine({ nameServers: [names.address] })
      const outgoing = ours.invite({ ...invitation(), timeout: 4_000 })
      const call = await agents.answered(outgoing)
      const upper = transport === 'tcp' ? 'TCP' : 'UDP'
      expect(call.remote).toEqual({ host: '127.0.0.1', port: second.port, transport: upper })
      const remote = { host: '127.0.0.1', port: dead, transport: upper }
      expect(outgoing.attempts).toMatchObject([{ remote, why: { kind: why } }])
      expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
      await until(() => second.counts().successful === 1, { what: 'SIPp has counted the call' })
      expect(names.asked()).toContain(`NAPTR ${DOMAIN}`)
    },
  )
})

test('SIPp: two servers share the calls by their weights', shows({ SIPp: ['srv'] }), async () => {
  await using one = await sippCallee({ scenario: 'busy', keys: { header: 'X-Server: 1' } })
  await using two = await sippCallee({ scenario: 'busy', keys: { header: 'X-Server: 2' } })
  const [light, heavy] = services('udp', [one.port, two.port]).map((each, index) => ({
    ...each,
    ...{ priority: 1, weight: index === 0 ? 10 : 90 },
  }))
  if (!light || !heavy) throw new Error('two servers')
  await using names = await dns({ hosts, srv: [light, heavy] })
  await using ours = await agents.engine({ nameServers: [names.address] })
  const used = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const outgoing = ours.invite(invitation({ transport: 'UDP' }))
      expect(await outgoing.outcome).toMatchObject({ kind: 'Rejected', code: 486 })
      return outgoing.remote?.port
    }),
  )
  // 20 are expected; less than 3 or more than 45 come once in a million runs.
  const few = used.filter((port) => port === one.port).length
  expect(few).toBeGreaterThan(2)
  expect(few).toBeLessThan(46)
  expect(names.asked().filter((each) => each === `SRV _sip._udp.${DOMAIN}`)).toHaveLength(1)
})

describe('Kamailio', () => {
  test('is registered with over TCP, because NAPTR says so', shows({ Kamailio: ['naptr', 'srv'] }), async () => {
    await using lab = await kamailio()
    await using names = await dns({
      hosts,
      naptr: [
        { name: DOMAIN, order: 20, preference: 1, service: 'SIP+D2U', replacement: `_sip._udp.${DOMAIN}` },
        { name: DOMAIN, order: 10, preference: 1, service: 'SIP+D2T', replacement: `_sip._tcp.${DOMAIN}` },
      ],
      srv: [...services('udp', [lab.port]), ...services('tcp', [lab.port])],
    })
    await using ours = await agents.engine({ nameServers: [names.address] })
    const account = agents.account(lab, 'alice')
    const { registration, remote } = await agents.registered(ours, { ...account, nextHop: { host: DOMAIN } })
    expect(remote).toEqual({ host: '127.0.0.1', port: lab.port, transport: 'TCP' })
    expect(await lab.registrations()).toMatchObject([{ aor: 'alice' }])
    expect(await registration.unregister()).toEqual({ kind: 'Unregistered' })
  })

  test(
    'is found by a host name and a port, without NAPTR and SRV',
    shows({ Kamailio: ['addresses', 'used-address'] }),
    async () => {
      await using lab = await kamailio()
      await using names = await dns({ hosts: { [DOMAIN]: ['127.0.0.1'] } })
      await using ours = await agents.engine({ nameServers: [names.address] })
      const outcome = await ours.options({ ...agents.request(party({ port: lab.port })), target: `sip:${DOMAIN}` })
      expect(outcome).toMatchObject({ kind: 'Answered', code: 200, remote: { host: '127.0.0.1', port: lab.port } })
      expect(names.asked()).toEqual(['A ready.invalid', `A ${DOMAIN}`])
    },
  )

  test('at an address that is given is asked once, and nobody else', shows({ Kamailio: ['pinned'] }), async () => {
    await using lab = await kamailio()
    await using names = await dns({})
    await using ours = await agents.engine({ nameServers: [names.address] })
    const options = { ...agents.request(agents.account(lab, 'alice')), target: `sip:${lab.host}:${lab.port}` }
    expect(await ours.options(options)).toMatchObject({ kind: 'Answered', code: 200 })
    await lab.kill()
    const outcome = await ours.options({ ...options, callId: 'pinned-again', timeout: 1_000 })
    expect(outcome).toMatchObject({ kind: 'NoResponse' })
    expect(names.asked()).toEqual(['A ready.invalid'])
  })
})

test(
  'Kamailio: a name with an IPv6 address alone is asked there, unless we are bound to IPv4',
  shows({ Kamailio: ['addresses', 'ipv6'] }),
  async () => {
    await using lab = await kamailio({ ipv6: true })
    await using names = await dns({ hosts: { [DOMAIN]: ['::1'] } })
    await using ours = await agents.engine({ host: '::1', nameServers: [names.address] })
    const options = { ...agents.request(party({ port: lab.port })), target: `sip:${DOMAIN}` }
    const remote = { host: '::1', port: lab.port, transport: 'UDP' }
    expect(await ours.options(options)).toMatchObject({ kind: 'Answered', code: 200, remote })
    await using only4 = await agents.engine({ nameServers: [names.address] })
    expect(await only4.options({ ...options, callId: 'ipv4' })).toMatchObject({
      kind: 'DnsFailed',
      detail: `there is no A record of ${DOMAIN}`,
    })
  },
)

describe('what fails is named', () => {
  test('a domain that does not exist', async () => {
    await using names = await dns({})
    await using ours = await agents.engine({ nameServers: [names.address] })
    const outgoing = ours.invite(invitation())
    expect(await outgoing.outcome).toEqual({
      kind: 'DnsFailed',
      detail: `there is no NAPTR, SRV or A record of ${DOMAIN}`,
    })
    expect(names.asked().slice(1).toSorted()).toEqual(
      [
        `A ${DOMAIN}`,
        `NAPTR ${DOMAIN}`,
        ...['_sip._tcp', '_sip._udp', '_sips._tcp'].map((each) => `SRV ${each}.${DOMAIN}`),
      ].toSorted(),
    )
  })

  test('a name server that says nothing, while there is time to say so', async () => {
    await using names = await silentDns()
    await using ours = await agents.engine({ nameServers: [names.address] })
    const outcome = await ours.options({ ...agents.request(party()), target: `sip:${DOMAIN}`, timeout: 2_000 })
    expect(outcome).toMatchObject({ kind: 'DnsFailed', detail: `NAPTR of ${DOMAIN}: no answer within 1000 ms` })
  })

  test('a name server that is not there', async () => {
    await using ours = await agents.engine({ nameServers: [`127.0.0.1:${await freePort()}`] })
    const outcome = await ours.options({ ...agents.request(party({ port: 5060 })), target: `sip:${DOMAIN}` })
    expect(outcome).toMatchObject({ kind: 'DnsFailed', detail: `A of ${DOMAIN}: the name server cannot be reached` })
  })
})
