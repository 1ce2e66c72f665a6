/** Where requests leave from, and what keeps a connection alive. */
import { expect, test } from 'vitest'
import { fasterClock } from '../../../agent/sip/conformance/lab.ts'
import { buildOffer } from '../../../agent/sip/index.ts'
import { shows } from '../../lab/features.ts'
import { kamailio } from '../../lab/kamailio.ts'
import { until } from '../../lab/process.ts'
import { sippCallee } from '../../lab/sipp.ts'
import { tap } from '../../lab/tap.ts'
import * as agents from './agents.ts'

test('a registered connection is kept alive, and Kamailio answers', shows({ Kamailio: ['keep-alive'] }), async () => {
  await using lab = await kamailio()
  await using relay = await tap(lab.port)
  await using ours = await agents.engine({ clock: fasterClock(30) })
  const party = agents.account(lab, 'alice', { port: relay.port, transport: 'TCP' })
  const { registration } = await agents.registered(ours, party, 3_600)
  const pings = () => relay.sent.client.split('\r\n\r\n\r\n').length - 1
  await until(() => pings() >= 2, { what: 'two keep-alives were sent', within: 30_000 })
  // Each is answered by a single CRLF between messages.
  await until(() => /\r\n\r\n(\r\n)+$/.test(relay.sent.server), { what: 'Kamailio answered' })
  expect(await registration.unregister()).toEqual({ kind: 'Unregistered' })
})

test('the source address and the range of ports', shows({ Kamailio: ['source-address', 'port-range'] }), async () => {
  await using lab = await kamailio()
  const portRange = { from: 32_100, to: 32_199 }
  await using ours = await agents.engine({ host: '127.0.0.2', portRange })
  const inRange = (port: number) => port >= portRange.from && port <= portRange.to
  const sources = { UDP: 0, TCP: 0 }
  for (const transport of ['UDP', 'TCP'] as const) {
    expect(inRange(ours.ports[transport])).toBe(true)
    const { registration, trace } = await agents.registered(ours, agents.account(lab, 'alice', { transport }))
    // What Kamailio saw is in its answer.
    const answer = trace.messages.findLast(({ direction }) => direction === 'In')
    const [, seen, rport = ''] = /^Via: .*?127\.0\.0\.2:(\d+).*;rport=(\d+)/m.exec(answer?.text ?? '') ?? []
    expect(Number(seen)).toBe(ours.ports[transport])
    expect(answer?.text).toMatch(/^Via: .*;received=127\.0\.0\.2/m)
    sources[transport] = Number(rport)
    expect(registration.contact).toContain(`@127.0.0.2:${ours.ports[transport]}`)
    await registration.unregister()
  }
  // A connection of ours leaves from a port that the kernel chooses; its Contact names the one that listens.
  expect(inRange(sources.UDP)).toBe(true)
})

test('a request too large for UDP goes over TCP', shows({ Kamailio: ['large-requests'] }), async () => {
  await using peer = await sippCallee({ scenario: 'callee', tolerant: true })
  await using lab = await kamailio({ routes: { svc: peer.target } })
  await using ours = await agents.engine()
  const options = agents.invitation(agents.account(lab, 'alice'), 'svc1')
  const offer = `${buildOffer({ ...agents.MEDIA, codecs: ['PCMA', 'PCMU'] })}${'a=x-filler:0123456789\r\n'.repeat(60)}`
  const call = await agents.answered(ours.invite({ ...options, offer }))
  expect(options.trace.messages[0]?.text).toMatch(/^Via: SIP\/2\.0\/TCP /m)
  expect(call.remote).toMatchObject({ port: lab.port, transport: 'TCP' })
  expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
})
