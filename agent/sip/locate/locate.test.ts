/** Which questions are asked of the DNS, and in which order their answers are used; the DNS is the edge that is played here. */
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../lib/manual-clock.ts'
import { seededRandom } from '../../../lib/random.ts'
import type { Transport } from '../engine.ts'
import { parseUri } from '../message/uri.ts'
import { Locator } from './locator.ts'
import type { Answer, Names } from './names.ts'
import { orderServers, type Pointer, type Server, servicesOf } from './order.ts'
import { hopOf, questionOf, type Wanted } from './question.ts'

/** In words: `NAPTR example.com | SRV _sip._udp.example.com | A example.com:5060/UDP`. */
function asked(wanted: Wanted): string {
  const question = questionOf(wanted)
  const steps: string[] = []
  let next: ReturnType<typeof questionOf> | undefined = question
  while (next) {
    switch (next.kind) {
      case 'Nothing':
        steps.push(`${next.endpoint.host}:${next.endpoint.port}/${next.endpoint.transport}`)
        next = undefined
        break
      case 'Addresses':
        steps.push(`A ${next.name}:${next.port}/${next.transport}`)
        next = undefined
        break
      case 'Services':
        steps.push(`SRV ${next.services.map(({ name }) => name).join(' ')}`)
        next = next.otherwise
        break
      case 'Pointers':
        steps.push(`NAPTR ${next.name}`)
        next = next.otherwise
        break
    }
  }
  return steps.join(' | ')
}

describe('what is asked (RFC 3263 4.1, 4.2)', () => {
  test.each<[uri: string, asked: string]>([
    ['sip:192.0.2.1', '192.0.2.1:5060/UDP'],
    ['sip:192.0.2.1:5070', '192.0.2.1:5070/UDP'],
    ['sip:192.0.2.1;transport=tcp', '192.0.2.1:5060/TCP'],
    ['sips:192.0.2.1', '192.0.2.1:5061/TLS'],
    ['sips:192.0.2.1:5071;transport=tcp', '192.0.2.1:5071/TLS'],
    ['sip:[2001:db8::1]', '2001:db8::1:5060/UDP'],
    ['sip:a.test:5070', 'A a.test:5070/UDP'],
    ['sip:a.test:5070;transport=TCP', 'A a.test:5070/TCP'],
    ['sips:a.test:5071', 'A a.test:5071/TLS'],
    ['sip:a.test;transport=udp', 'SRV _sip._udp.a.test | A a.test:5060/UDP'],
    ['sip:a.test;transport=tcp', 'SRV _sip._tcp.a.test | A a.test:5060/TCP'],
    ['sip:a.test;transport=tls', 'SRV _sips._tcp.a.test | A a.test:5061/TLS'],
    ['sips:a.test;transport=tcp', 'SRV _sips._tcp.a.test | A a.test:5061/TLS'],
    ['sip:a.test;transport=ws', 'SRV _sip._ws.a.test | A a.test:80/WS'],
    ['sips:a.test;transport=ws', 'SRV _sips._ws.a.test | A a.test:443/WSS'],
    ['sip:a.test', 'NAPTR a.test | SRV _sip._udp.a.test _sip._tcp.a.test _sips._tcp.a.test | A a.test:5060/UDP'],
    ['sips:a.test', 'NAPTR a.test | SRV _sips._tcp.a.test | A a.test:5061/TLS'],
    ['sip:a.test;maddr=192.0.2.9', '192.0.2.9:5060/UDP'],
    ['sip:a.test:5070;maddr=b.test', 'A b.test:5070/UDP'],
  ])('%s', (uri, expected) => {
    const parsed = parseUri(uri)
    const hop = parsed && hopOf(parsed)
    expect(hop && asked(hop)).toBe(expected)
  })

  test.each(['tel:+1555', 'sip:a.test;transport=sctp'])('%s leads nowhere', (uri) => {
    const parsed = parseUri(uri)
    expect(parsed && hopOf(parsed)).toBeUndefined()
  })
})

function pointer(order: number, preference: number, service: string, changes: Partial<Pointer> = {}): Pointer {
  return { order, preference, service, flags: 's', replacement: `${service}.a.test`, ...changes }
}

describe('NAPTR', () => {
  test('the lowest order first, then the lowest preference', () => {
    const records = [
      pointer(100, 10, 'SIP+D2U'),
      pointer(50, 20, 'SIPS+D2T'),
      pointer(50, 10, 'sip+d2t', { flags: 'S' }),
    ]
    expect(servicesOf(records, false).map(({ transport }) => transport)).toEqual(['TCP', 'TLS', 'UDP'])
  })

  test('what we do not speak, and what is no SRV record, is passed over', () => {
    const records = [
      pointer(1, 1, 'SIP+D2S'),
      pointer(2, 1, 'E2U+sip', { flags: 'u' }),
      pointer(3, 1, 'SIP+D2U', { flags: 'a' }),
      pointer(4, 1, 'SIP+D2W'),
    ]
    expect(servicesOf(records, false)).toEqual([{ name: 'SIP+D2W.a.test', transport: 'WS' }])
  })

  test('SIPS takes nothing but TLS and WSS', () => {
    const all = ['SIP+D2U', 'SIP+D2T', 'SIPS+D2W', 'SIPS+D2T', 'SIP+D2W'].map((each, index) => pointer(index, 1, each))
    expect(servicesOf(all, true).map(({ transport }) => transport)).toEqual(['WSS', 'TLS'])
  })
})

function server(name: string, priority: number, weight: number, port = 5060): Server {
  return { name, priority, weight, port }
}

describe('SRV (RFC 2782)', () => {
  test('whatever the records are: each comes once, and never before one of a lower priority', () => {
    const random = seededRandom(1)
    for (let round = 0; round < 500; round++) {
      const count = Math.floor(random() * 9)
      const servers = Array.from({ length: count }, (_, index) =>
        server(`s${index}`, Math.floor(random() * 3), Math.floor(random() * 4) * 10),
      )
      const ordered = orderServers(servers, random)
      expect(ordered.map(({ name }) => name).toSorted()).toEqual(servers.map(({ name }) => name).toSorted())
      const priorities = ordered.map(({ priority }) => priority)
      expect(priorities).toEqual(priorities.toSorted((left, right) => left - right))
    }
  })

  test.each([
    ['by their weights', [10, 30, 60]],
    ['alike when all are 0', [0, 0, 0, 0]],
    ['alike when all are the same', [7, 7]],
    ['one of 0 is seldom the first', [0, 99]],
  ])('the first of one priority is drawn %s', (_, weights) => {
    const random = seededRandom(7)
    const rounds = 20_000
    const firsts = weights.map(() => 0)
    const servers = weights.map((weight, index) => server(String(index), 1, weight))
    for (let round = 0; round < rounds; round++) {
      const index = Number(orderServers(servers, random)[0]?.name)
      firsts[index] = (firsts[index] ?? 0) + 1
    }
    const sum = weights.reduce((total, weight) => total + weight, 0)
    weights.forEach((weight, index) => {
      // The lot is one of 0 to the sum: who comes first has that one more.
      const expected = sum === 0 ? 1 / weights.length : weight / sum
      expect((firsts[index] ?? 0) / rounds).toBeGreaterThan(expected - 0.025)
      expect((firsts[index] ?? 0) / rounds).toBeLessThan(expected + 0.025)
    })
  })
})

/** A DNS that has what is in `zone`, by type and name, and counts what it is asked. */
function lab(
  zone: { NAPTR?: Record<string, Pointer[]>; SRV?: Record<string, Server[]>; A?: Record<string, string[]> },
  changes: { bound?: string; failing?: string[] } = {},
) {
  const { bound = '0.0.0.0', failing = [] } = changes
  const questions: string[] = []
  const clock = new ManualClock()
  const answer = <Found>(
    type: keyof typeof zone,
    name: string,
    records: Found[] | undefined,
  ): Promise<Answer<Found>> => {
    questions.push(`${type} ${name}`)
    if (failing.includes(`${type} ${name}`)) return Promise.resolve({ kind: 'Failed', detail: 'SERVFAIL' })
    return Promise.resolve(records ? { kind: 'Found', records } : { kind: 'NotFound' })
  }
  const names: Names = {
    pointers: (name) => answer('NAPTR', name, zone.NAPTR?.[name]),
    servers: (name) => answer('SRV', name, zone.SRV?.[name]),
    addresses: (name, families) => {
      const records = zone.A?.[name]?.filter((each) => families.includes(each.includes(':') ? 6 : 4))
      return answer('A', name, records && records.length > 0 ? records : undefined)
    },
  }
  return { questions, clock, locator: new Locator({ names, clock, random: seededRandom(3), bound }) }
}

async function found({ locator }: ReturnType<typeof lab>, wanted: Wanted): Promise<string[] | string> {
  const outcome = await locator.locate(wanted)
  if (outcome.kind === 'DnsFailed') return outcome.detail
  return outcome.targets.map(({ host, port, transport }) => `${transport} ${host} ${port}`)
}

describe('where a hop is', () => {
  test('the example of RFC 3263 4.1: what NAPTR likes best, then the servers of SRV, then their addresses', async () => {
    const dns = lab({
      NAPTR: {
        'a.test': [
          pointer(90, 50, 'SIP+D2T', { replacement: '_sip._tcp.a.test' }),
          pointer(100, 50, 'SIP+D2U', { replacement: '_sip._udp.a.test' }),
        ],
      },
      SRV: {
        '_sip._tcp.a.test': [server('s2.a.test', 1, 1), server('s1.a.test', 0, 1, 5070)],
        '_sip._udp.a.test': [server('s1.a.test', 0, 1)],
      },
      A: { 's1.a.test': ['192.0.2.1', '192.0.2.2'], 's2.a.test': ['192.0.2.3'] },
    })
    expect(await found(dns, { host: 'a.test' })).toEqual([
      ...['TCP 192.0.2.1 5070', 'TCP 192.0.2.2 5070', 'TCP 192.0.2.3 5060'],
      ...['UDP 192.0.2.1 5060', 'UDP 192.0.2.2 5060'],
    ])
  })

  test('without NAPTR every transport is searched, without SRV it is UDP and the default port', async () => {
    const dns = lab({
      SRV: { '_sip._tcp.a.test': [server('s.a.test', 0, 0, 5080)] },
      A: { 's.a.test': ['192.0.2.1'], 'b.test': ['192.0.2.2'] },
    })
    expect(await found(dns, { host: 'a.test' })).toEqual(['TCP 192.0.2.1 5080'])
    expect(await found(dns, { host: 'b.test' })).toEqual(['UDP 192.0.2.2 5060'])
    expect(await found(dns, { host: 'b.test', secure: true })).toEqual(['TLS 192.0.2.2 5061'])
  })

  test('an address needs no question, and keeps the way to it', async () => {
    const dns = lab({})
    const tls = { verify: 'None' } as const
    const hop = { host: '192.0.2.1', transport: 'WSS', path: '/sip', tls, family: 6 } as const
    expect(await dns.locator.locate(hop)).toEqual({
      kind: 'Located',
      targets: [{ host: '192.0.2.1', port: 443, transport: 'WSS', name: '192.0.2.1', path: '/sip', tls }],
      missing: [],
    })
    expect(dns.questions).toEqual([])
  })

  test.each<[bound: string, family: 4 | 6 | undefined, expected: string[] | string]>([
    ['0.0.0.0', undefined, ['UDP 192.0.2.1 5060']],
    ['2001:db8::9', undefined, ['UDP 2001:db8::1 5060']],
    ['::', undefined, ['UDP 192.0.2.1 5060', 'UDP 2001:db8::1 5060']],
    ['::', 4, ['UDP 192.0.2.1 5060']],
    ['::', 6, ['UDP 2001:db8::1 5060']],
    ['127.0.0.1', 6, 'no IPv6 address can be reached from where we are bound'],
  ])('bound to %s, family %s', async (bound, family, expected) => {
    const dns = lab({ A: { 'a.test': ['192.0.2.1', '2001:db8::1'] } }, { bound })
    expect(await found(dns, { host: 'a.test', port: 5060, ...(family && { family }) })).toEqual(expected)
  })

  test('a server without an address is passed over, and named', async () => {
    const dns = lab({
      SRV: { '_sip._udp.a.test': [server('gone.a.test', 0, 0), server('s.a.test', 1, 0)] },
      A: { 's.a.test': ['192.0.2.1'] },
    })
    expect(await dns.locator.locate({ host: 'a.test', transport: 'UDP' })).toMatchObject({
      targets: [{ host: '192.0.2.1', name: 'a.test' }],
      missing: [
        {
          remote: { host: 'gone.a.test', port: 5060, transport: 'UDP' },
          detail: 'there is no A record of gone.a.test',
        },
      ],
    })
  })

  test('eight addresses are enough, and none of them twice', async () => {
    const many = Array.from({ length: 20 }, (_, index) => `192.0.2.${index}`)
    const dns = lab({ A: { 'a.test': [...many, ...many], 'b.test': ['192.0.2.1', '192.0.2.1'] } })
    expect(await found(dns, { host: 'a.test', port: 5060 })).toHaveLength(8)
    expect(await found(dns, { host: 'b.test', port: 5060 })).toEqual(['UDP 192.0.2.1 5060'])
  })

  test.each<[why: string, wanted: Wanted, detail: string]>([
    ['nothing is there', { host: 'none.test' }, 'there is no NAPTR, SRV or A record of none.test'],
    ['a host is not there', { host: 'none.test', port: 5060 }, 'there is no A record of none.test'],
    [
      'only servers without addresses are',
      { host: 'gone.test', transport: 'TCP' },
      'there is no A record of s.gone.test',
    ],
    ['it offers nothing', { host: 'off.test', transport: 'UDP' }, 'off.test says by SRV that it offers no SIP'],
    [
      'the DNS fails',
      { host: 'fails.test', transport: 'UDP' },
      'SRV of _sip._udp.fails.test: SERVFAIL; A of fails.test: SERVFAIL',
    ],
  ])('says why not: %s', async (_, wanted, detail) => {
    const dns = lab(
      { SRV: { '_sip._tcp.gone.test': [server('s.gone.test', 0, 0)], '_sip._udp.off.test': [server('.', 0, 0)] } },
      { failing: ['SRV _sip._udp.fails.test', 'A fails.test'] },
    )
    expect(await found(dns, wanted)).toBe(detail)
  })

  test('answers are used again for a moment, and questions under way are not asked twice', async () => {
    const dns = lab({ A: { 'a.test': ['192.0.2.1'] } })
    const wanted = { host: 'a.test', port: 5060 }
    await Promise.all([found(dns, wanted), found(dns, wanted)])
    await dns.clock.advance(9_999)
    await found(dns, wanted)
    expect(dns.questions).toEqual(['A a.test'])
    await dns.clock.advance(1)
    await found(dns, wanted)
    expect(dns.questions).toEqual(['A a.test', 'A a.test'])
  })

  test('who answered 503 is left alone for as long as it said, unless there is nobody else', async () => {
    const dns = lab({ A: { 'a.test': ['192.0.2.1', '192.0.2.2'] } })
    const at = (host: string, transport: Transport = 'UDP') => ({ host, port: 5060, transport })
    const wanted = { host: 'a.test', port: 5060 }
    dns.locator.unavailable(at('192.0.2.1'), 30)
    dns.locator.unavailable(at('192.0.2.2', 'TCP'), 30)
    expect(await found(dns, wanted)).toEqual(['UDP 192.0.2.2 5060'])
    dns.locator.unavailable(at('192.0.2.2'), 60)
    expect(await found(dns, wanted)).toEqual(['UDP 192.0.2.1 5060', 'UDP 192.0.2.2 5060'])
    await dns.clock.advance(30_000)
    expect(await found(dns, wanted)).toEqual(['UDP 192.0.2.1 5060'])
  })
})
