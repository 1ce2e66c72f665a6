/** A trace as a pcap file, read by tshark as it comes from its package. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { buildAnswer, buildOffer, createNativeEngine, renderPcap, Trace } from '../../../agent/sip/index.ts'
import type { LocalParty, SignallingEngine } from '../../../agent/sip/index.ts'
import { systemClock } from '../../../lib/clock.ts'
import { systemRandom } from '../../../lib/random.ts'
import { certificateAuthority } from '../../lab/certificates.ts'
import { shows } from '../../lab/features.ts'
import { kamailio } from '../../lab/kamailio.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { sippCallee } from '../../lab/sipp.ts'
import { readPcap } from '../../lab/tshark.ts'

let stack: AsyncDisposableStack
beforeEach(() => void (stack = new AsyncDisposableStack()))
afterEach(() => stack.disposeAsync())

const media = { rtpPort: 40_000, rtcpPort: 40_001, ptime: 20, sessionId: 1 }

async function engine(host: string): Promise<SignallingEngine> {
  return stack.use(await createNativeEngine({ clock: systemClock, random: systemRandom, host, userAgent: 'lab' }))
}

function options(nextHop: LocalParty['nextHop'], changes: Partial<LocalParty> = {}) {
  const party: LocalParty = {
    aor: 'sip:alice@lab.test',
    contactUser: 'alice-contact',
    nextHop,
    outboundProxy: false,
    ...changes,
  }
  return { party, callId: 'pcap-1', timeout: 10_000, trace: new Trace() }
}

const FIELDS = [
  ...['frame.time_epoch', 'frame.protocols', 'sip.Method', 'sip.Status-Code', 'sip.CSeq', 'sip.auth'],
  ...['exported_pdu.ipv4_src', 'exported_pdu.ipv4_dst', 'exported_pdu.ipv6_src', 'exported_pdu.ipv6_dst'],
  ...['exported_pdu.src_port', 'exported_pdu.dst_port', 'exported_pdu.port_type'],
]

function read(trace: Trace) {
  const path = join(stack.use(temporaryFolder('pcap')).path, 'call.pcap')
  writeFileSync(path, renderPcap(trace))
  return readPcap(path, FIELDS)
}

/** What tshark must say of a trace, taken from its texts without our parser. */
function expected({ messages }: Trace) {
  const [first] = messages
  if (!first) throw new Error('the trace is empty')
  return messages.map(({ direction, local, remote, text, transport, monotonic }) => {
    const status = /^SIP\/2\.0 (\d{3}) /.exec(text)?.[1] ?? ''
    const [source, destination] = direction === 'Out' ? [local, remote] : [remote, local]
    const six = source.startsWith('[')
    const hosts = [source, destination].map((each) => each.replace(/:\d+$/, '').replaceAll(/[[\]]/g, ''))
    return {
      'frame.time_epoch': seconds(first.at + monotonic - first.monotonic),
      'frame.protocols': expect.stringMatching(/^exported_pdu:sip(:sdp)?$/),
      'sip.Method': status === '' ? text.slice(0, text.indexOf(' ')) : '',
      'sip.Status-Code': status,
      'sip.CSeq': /^CSeq: (.*?)\r?$/m.exec(text)?.[1] ?? '',
      'exported_pdu.ipv4_src': six ? '' : hosts[0],
      'exported_pdu.ipv4_dst': six ? '' : hosts[1],
      'exported_pdu.ipv6_src': six ? hosts[0] : '',
      'exported_pdu.ipv6_dst': six ? hosts[1] : '',
      'exported_pdu.src_port': /\d+$/.exec(source)?.[0],
      'exported_pdu.dst_port': /\d+$/.exec(destination)?.[0],
      'exported_pdu.port_type': transport === 'UDP' ? '3' : '2',
    }
  })
}

/** As tshark writes a time that is known to the microsecond. */
function seconds(milliseconds: number): string {
  const microseconds = Math.round(milliseconds * 1000)
  return `${Math.floor(microseconds / 1_000_000)}.${String(microseconds % 1_000_000).padStart(6, '0')}000`
}

/** `INVITE`, `180 INVITE`. */
const titles = (rows: Awaited<ReturnType<typeof read>>) =>
  rows.map((row) => row['sip.Method'] || `${row['sip.Status-Code']} ${row['sip.CSeq']?.split(' ')[1]}`)

describe.each(['UDP', 'TCP'] as const)('over %s', (transport) => {
  test('a call to SIPp', shows({ tshark: ['pcap'] }), async () => {
    const peer = stack.use(await sippCallee({ transport: transport === 'TCP' ? 'tcp' : 'udp' }))
    const ours = await engine('127.0.0.1')
    const asked = options({ host: '127.0.0.1', port: peer.port, transport })
    const before = Date.now()
    const offer = buildOffer({ ...media, address: '127.0.0.1', codecs: ['PCMU'] })
    const outcome = await ours.invite({ ...asked, target: `sip:service@${peer.target}`, offer }).outcome
    if (outcome.kind !== 'Answered') throw new Error(JSON.stringify(outcome))
    expect(await outcome.call.bye()).toEqual({ kind: 'Done', code: 200 })
    const after = Date.now()
    const rows = await read(asked.trace)
    expect(rows).toMatchObject(expected(asked.trace))
    const once = asked.trace.messages.flatMap(({ retransmission }, index) => (retransmission ? [] : [index]))
    expect(once.map((index) => titles(rows)[index])).toEqual([
      ...['INVITE', '180 INVITE', '200 INVITE', 'ACK', 'BYE', '200 BYE'],
    ])
    const times = rows.map((row) => Number(row['frame.time_epoch']) * 1000)
    expect(times).toEqual(times.toSorted((left, right) => left - right))
    expect(times[0]).toBeGreaterThan(before - 2)
    expect(times.at(-1)).toBeLessThan(after + 2)
  })

  test('a call over IPv6', shows({ tshark: ['pcap'] }), async () => {
    const caller = await engine('::1')
    const callee = await engine('::1')
    using _taken = callee.onInvite('bob', (incoming) => {
      incoming.ring()
      const answer = buildAnswer(incoming.sdp ?? '', { ...media, address: '::1', codecs: ['PCMA'] })
      if (answer.kind === 'Answer') void incoming.answer(answer.sdp)
    })
    const port = callee.ports[transport]
    const asked = options({ host: '::1', port, transport })
    const offer = buildOffer({ ...media, address: '::1', codecs: ['PCMA'] })
    const target = `sip:bob@[::1]:${port}${transport === 'TCP' ? ';transport=tcp' : ''}`
    const outcome = await caller.invite({ ...asked, target, offer }).outcome
    if (outcome.kind !== 'Answered') throw new Error(JSON.stringify(outcome))
    await outcome.call.bye()
    const rows = await read(asked.trace)
    expect(rows).toMatchObject(expected(asked.trace))
    expect(rows[0]).toMatchObject({ 'sip.Method': 'INVITE', 'exported_pdu.ipv6_dst': '::1' })
    expect(titles(rows).at(-1)).toBe('200 BYE')
  })

  test(
    'a registration, without what a password could be guessed from',
    shows({ tshark: ['pcap', 'redaction'] }),
    async () => {
      const lab = stack.use(await kamailio())
      const ours = await engine('127.0.0.1')
      const credentials = { username: 'alice', password: lab.password('alice') }
      const hop = { host: lab.host, port: lab.port, transport }
      const asked = options(hop, { aor: `sip:alice@${lab.domain}`, credentials })
      const outcome = await ours.register({ ...asked, expires: 60 })
      if (outcome.kind !== 'Registered') throw new Error(JSON.stringify(outcome))
      await outcome.registration.unregister()
      const rows = await read(asked.trace)
      expect(rows).toMatchObject(expected(asked.trace))
      expect(titles(rows).slice(0, 4)).toEqual(['REGISTER', '401 REGISTER', 'REGISTER', '200 REGISTER'])
      expect(rows[2]?.['sip.auth']).toContain('response="[redacted]"')
      expect(rows[2]?.['sip.auth']).not.toMatch(/\b(response|nonce|cnonce)="?[0-9a-zA-Z]/)
    },
  )
})

test('what went over TLS is readable', shows({ tshark: ['pcap'] }), async () => {
  const authority = await certificateAuthority()
  const lab = stack.use(await kamailio({ tls: { identity: await authority.issue(['127.0.0.1']) } }))
  const ours = await engine('127.0.0.1')
  const tls = { ca: authority.ca, verify: 'Full' } as const
  const asked = options({ host: lab.host, port: lab.tlsPort, transport: 'TLS', tls })
  expect(await ours.options({ ...asked, target: `sip:${lab.domain}` })).toMatchObject({ kind: 'Answered' })
  const rows = await read(asked.trace)
  expect(rows).toMatchObject(expected(asked.trace))
  expect(titles(rows)).toEqual(['OPTIONS', '200 OPTIONS'])
})

test('retransmissions are there as well', shows({ tshark: ['pcap', 'retransmissions'] }), async () => {
  const silent = createSocket('udp4')
  stack.defer(() => void silent.close())
  silent.bind(0, '127.0.0.1')
  await once(silent, 'listening')
  const ours = await engine('127.0.0.1')
  const { port } = silent.address()
  const asked = { ...options({ host: '127.0.0.1', port, transport: 'UDP' }), timeout: 700 }
  expect(await ours.options({ ...asked, target: `sip:127.0.0.1:${port}` })).toMatchObject({ kind: 'NoResponse' })
  const rows = await read(asked.trace)
  expect(rows).toMatchObject(expected(asked.trace))
  expect(titles(rows)).toEqual(['OPTIONS', 'OPTIONS'])
})
