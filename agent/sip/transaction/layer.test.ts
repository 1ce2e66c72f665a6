import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../lib/manual-clock.ts'
import { seededRandom } from '../../../lib/random.ts'
import type { Endpoint, Transport } from '../engine.ts'
import type { Flow, FlowWatcher } from '../transport/flow.ts'
import { Journal } from '../trace/journal.ts'
import { Identifiers } from '../message/identifiers.ts'
import { type Message, parseMessage, type Request } from '../message/message.ts'
import { TimerWheel } from './timer-wheel.ts'
import { Trace } from '../trace/trace.ts'
import { type Incoming, TransactionLayer } from './layer.ts'

/** The edge of the network: what was sent, and when. */
class Wire implements Flow {
  readonly local = '192.0.2.1:5060'
  readonly sentBy = '192.0.2.1'
  readonly contact = '192.0.2.1'
  readonly remote: Endpoint
  readonly sent: Array<{ at: number; text: string }> = []
  readonly watchers = new Set<FlowWatcher>()
  readonly transport: Transport
  open = true
  readonly heardAt = -Infinity
  broken: string | undefined
  readonly #clock: ManualClock

  constructor(clock: ManualClock, transport: Transport) {
    this.#clock = clock
    this.transport = transport
    this.remote = { host: '192.0.2.2', port: 5060, transport }
  }

  get reliable(): boolean {
    return this.transport === 'TCP'
  }

  send(text: string, failed?: (detail: string) => void): void {
    if (this.broken !== undefined) return failed?.(this.broken)
    this.sent.push({ at: this.#clock.monotonic(), text })
  }

  watch(watcher: FlowWatcher): void {
    this.watchers.add(watcher)
  }

  unwatch(watcher: FlowWatcher): void {
    this.watchers.delete(watcher)
  }

  retire(): void {}

  /** Methods or codes with their times in steps of 10 ms, as the wheel has them. */
  get log(): string[] {
    return this.sent.map(({ at, text }) => `${Math.round(at)} ${/^(?:SIP\/2\.0 )?(\S+)/.exec(text)?.[1]}`)
  }
}

function lab(transport: Transport = 'UDP') {
  const clock = new ManualClock()
  const wheel = new TimerWheel(clock)
  const wire = new Wire(clock, transport)
  const journal = new Journal(clock, new Trace())
  const heard: string[] = []
  const taken: Array<{ request: Request; incoming: Incoming; merged: boolean }> = []
  const layer = new TransactionLayer(
    {
      ...{ wheel, random: seededRandom(1), identifiers: new Identifiers(() => 0) },
      ways: {
        ...{ udp: () => wire, present: () => wire, securing: () => false },
        open: async () => ({ kind: 'Open', flow: wire }),
      },
    },
    {
      admits: () => true,
      request: (request, _arrival, incoming, merged) => taken.push({ request, incoming, merged }),
      acknowledged: () => heard.push('ACK of a 2xx'),
      answeredLate: ({ headers }) => heard.push(`late ${headers.toTag}`),
      trying: () => 'SIP/2.0 100 Trying\r\n\r\n',
    },
  )
  const receive = (text: string): void => {
    layer.receive(parsed(text), { text, at: clock.monotonic(), flow: wire })
  }
  const user = {
    response: (response: { code: number }, _arrival: unknown, again: boolean) =>
      void heard.push(`${response.code}${again ? ' again' : ''}`),
    failed: (failure: { kind: string }) => void heard.push(failure.kind),
  }
  const start = (method: string) => {
    const text = request(method)
    const message = parsed(text)
    if (message.kind !== 'Request') throw new Error('must be a request')
    const outgoing = { request: message, branch: message.headers.branch, text, flow: wire, journal }
    return method === 'INVITE' ? layer.invite(outgoing, user) : layer.send(outgoing, user)
  }
  const rest = (): number[] => [layer.size, wheel.size, clock.waiting, wire.watchers.size]
  return { clock, wire, journal, heard, taken, layer, receive, start, rest }
}

function parsed(text: string): Message {
  const outcome = parseMessage(Buffer.from(text))
  if (outcome.kind === 'Malformed') throw new Error(outcome.reason)
  return outcome.message
}

/** As one of ours. */
const BRANCH = `z9hG4bK${'0'.repeat(10)}1`

function request(method: string, { branch = BRANCH, to = '<sip:b@b>', cseq = `1 ${method}` } = {}): string {
  return `${method} sip:b@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=${branch};rport\r\nFrom: <sip:a@a>;tag=1\r\nTo: ${to}\r\nCall-ID: c\r\nCSeq: ${cseq}\r\nRoute: <sip:p;lr>\r\n\r\n`
}

function reply(code: number, method: string, extra = ''): string {
  return `SIP/2.0 ${code} x\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=${BRANCH};rport\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>;tag=2\r\nCall-ID: c\r\nCSeq: 1 ${method}\r\n${extra}\r\n`
}

/** All that came out of it is over. */
const REST = [0, 0, 0, 0]

describe('INVITE client (17.1.1)', () => {
  test('timer A doubles, timer B ends it', async () => {
    const { clock, wire, journal, heard, start, rest } = lab()
    start('INVITE')
    await clock.advance(31_990)
    expect(wire.log).toEqual(['0', '500', '1500', '3500', '7500', '15500', '31500'].map((at) => `${at} INVITE`))
    expect(heard).toEqual([])
    await clock.advance(10)
    expect(heard).toEqual(['Timeout'])
    expect(journal.counters.retransmissionsSent).toBe(6)
    expect(rest()).toEqual(REST)
  })

  test('a provisional response stops both, a repeated one is told as such', async () => {
    const { clock, wire, heard, start, receive } = lab()
    start('INVITE')
    receive(reply(180, 'INVITE'))
    receive(reply(180, 'INVITE'))
    await clock.advance(100_000)
    expect(wire.log).toEqual(['0 INVITE'])
    expect(heard).toEqual(['180', '180 again'])
  })

  test('a refusal is acknowledged each time it comes, and told once; timer D ends it', async () => {
    const { clock, wire, journal, heard, start, receive, rest } = lab()
    start('INVITE')
    receive(reply(486, 'INVITE'))
    await clock.advance(500)
    receive(reply(486, 'INVITE'))
    expect(wire.log).toEqual(['0 INVITE', '0 ACK', '500 ACK'])
    expect(heard).toEqual(['486'])
    expect(journal.counters).toMatchObject({ retransmissionsSent: 1, retransmissionsReceived: 1 })
    await clock.advance(31_400)
    expect(rest()[0]).toBe(1)
    await clock.advance(200)
    expect(rest()).toEqual(REST)
  })

  test('the ACK of a refusal has branch, route and sequence of the INVITE and the To of the response (17.1.1.3)', () => {
    const { wire, start, receive } = lab()
    start('INVITE')
    receive(reply(486, 'INVITE'))
    const ack = parsed(wire.sent[1]?.text ?? '')
    expect(ack.headers.all('via')).toEqual([`SIP/2.0/UDP 192.0.2.2;branch=${BRANCH};rport`])
    expect(ack.headers.all('route')).toEqual(['<sip:p;lr>'])
    expect(ack.headers.cseq).toEqual({ number: 1, method: 'ACK' })
    expect(ack.headers.toTag).toBe('2')
  })

  test('every 2xx is told for 64*T1, then forgotten (RFC 6026)', async () => {
    const { clock, heard, start, receive, rest } = lab()
    start('INVITE')
    receive(reply(200, 'INVITE'))
    receive(reply(200, 'INVITE'))
    receive(reply(486, 'INVITE'))
    await clock.advance(31_900)
    receive(reply(200, 'INVITE', 'X: another\r\n'))
    expect(heard).toEqual(['200', '200 again', '200'])
    await clock.advance(200)
    receive(reply(200, 'INVITE'))
    expect(heard).toHaveLength(3)
    expect(rest()).toEqual(REST)
  })

  test('over TCP nothing is sent twice and a refusal ends it at once', async () => {
    const { clock, wire, start, receive, rest } = lab('TCP')
    start('INVITE')
    await clock.advance(20_000)
    receive(reply(503, 'INVITE'))
    expect(wire.log).toEqual(['0 INVITE', '20000 ACK'])
    expect(rest()).toEqual(REST)
  })

  test('a lost connection fails it, an orderly end after a 1xx does not', () => {
    const early = lab('TCP')
    early.start('INVITE')
    for (const watcher of early.wire.watchers) watcher.flowLost('closed', false)
    expect(early.heard).toEqual(['TransportError'])
    expect(early.rest()).toEqual(REST)

    const late = lab('TCP')
    late.start('INVITE')
    late.receive(reply(180, 'INVITE'))
    for (const watcher of late.wire.watchers) watcher.flowLost('closed', false)
    expect(late.heard).toEqual(['180'])
    for (const watcher of late.wire.watchers) watcher.flowLost('reset', true)
    expect(late.heard).toEqual(['180', 'TransportError'])
  })

  test('what cannot be sent fails it', () => {
    const { wire, heard, start, rest } = lab()
    wire.broken = 'no route'
    start('INVITE')
    expect(heard).toEqual(['TransportError'])
    expect(rest()).toEqual(REST)
  })
})

describe('non-INVITE client (17.1.2)', () => {
  test('timer E doubles up to T2, timer F ends it', async () => {
    const { clock, wire, heard, start, rest } = lab()
    start('OPTIONS')
    await clock.advance(32_000)
    const times = [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]
    expect(wire.log).toEqual(times.map((at) => `${at} OPTIONS`))
    expect(heard).toEqual(['Timeout'])
    expect(rest()).toEqual(REST)
  })

  test('after a 1xx it goes on every T2', async () => {
    const { clock, wire, start, receive } = lab()
    start('OPTIONS')
    receive(reply(100, 'OPTIONS'))
    await clock.advance(9_000)
    expect(wire.log).toEqual(['0 OPTIONS', '500 OPTIONS', '4500 OPTIONS', '8500 OPTIONS'])
  })

  test('the final response is told once; timer K absorbs its copies', async () => {
    const { clock, heard, journal, start, receive, rest } = lab()
    start('BYE')
    receive(reply(200, 'BYE'))
    receive(reply(200, 'BYE'))
    expect(heard).toEqual(['200'])
    expect(journal.counters.retransmissionsReceived).toBe(1)
    await clock.advance(5_000)
    expect(rest()).toEqual(REST)
  })

  test('a response to another method of the same branch is none of its', () => {
    const { heard, start, receive } = lab()
    start('BYE')
    receive(reply(200, 'OPTIONS'))
    expect(heard).toEqual([])
  })

  test('a CANCEL and its INVITE share the branch, and each has its own answers', () => {
    const { heard, start, receive } = lab()
    const invite = start('INVITE')
    receive(reply(180, 'INVITE'))
    const cancel = start('CANCEL')
    receive(reply(200, 'CANCEL'))
    expect([heard, cancel.over, invite.over]).toEqual([['180', '200'], true, false])
    receive(reply(487, 'INVITE'))
    expect(heard).toEqual(['180', '200', '487'])
  })

  test('a response whose branch only looks like ours is nobody’s', () => {
    const { heard, start, receive } = lab()
    start('INVITE')
    start('CANCEL')
    const prefix = BRANCH.slice(0, -1)
    const odd = ['', '01', '1.', '1x', '-2', '-1', 'NaN', '9'.repeat(20)].map((end) => prefix + end)
    for (const branch of [...odd, 'z9hG4bK', '1', `z9hG4bK${'1'.repeat(10)}1`])
      for (const method of ['INVITE', 'CANCEL']) receive(reply(200, method).replace(BRANCH, branch))
    expect(heard).toEqual([])
  })
})

describe('INVITE server (17.2.1)', () => {
  const invite = () => {
    const all = lab()
    all.receive(request('INVITE'))
    const [first] = all.taken
    if (first?.incoming.kind !== 'Invite') throw new Error('must be an INVITE')
    return { ...all, transaction: first.incoming.transaction }
  }
  const answer = (code: number) => [code, `SIP/2.0 ${code} x\r\n\r\n`] as const

  test('100 after 200 ms, unless the user was quicker', async () => {
    const slow = invite()
    await slow.clock.advance(200)
    slow.receive(request('INVITE'))
    expect(slow.wire.log).toEqual(['200 100', '200 100'])
    const quick = invite()
    quick.transaction.respond(...answer(180))
    await quick.clock.advance(1_000)
    quick.receive(request('INVITE'))
    expect(quick.wire.log).toEqual(['0 180', '1000 180'])
    expect(quick.taken).toHaveLength(1)
  })

  test('a refusal goes out by timer G until the ACK comes; timer I ends it', async () => {
    const { clock, wire, transaction, receive, heard, rest } = invite()
    transaction.respond(...answer(486))
    await clock.advance(8_000)
    expect(wire.log).toEqual(['0 486', '500 486', '1500 486', '3500 486', '7500 486'])
    receive(request('ACK', { to: '<sip:b@b>;tag=2' }))
    receive(request('ACK', { to: '<sip:b@b>;tag=2' }))
    await clock.advance(4_900)
    expect([wire.log.length, rest()[0]]).toEqual([5, 1])
    await clock.advance(100)
    expect(rest()).toEqual(REST)
    expect(heard).toEqual([])
  })

  test('without an ACK timer H ends it', async () => {
    const { clock, wire, transaction, rest } = invite()
    transaction.respond(...answer(486))
    await clock.advance(32_000)
    expect(wire.log).toHaveLength(11)
    expect(rest()).toEqual(REST)
  })

  test('after a 2xx copies of the INVITE are absorbed, its ACK goes to the user, timer L ends it (RFC 6026)', async () => {
    const { clock, wire, transaction, receive, heard, rest } = invite()
    transaction.respond(...answer(200))
    receive(request('INVITE'))
    receive(request('ACK', { branch: 'z9hG4bK2', to: '<sip:b@b>;tag=2' }))
    receive(request('ACK', { to: '<sip:b@b>;tag=2' }))
    expect(wire.log).toEqual(['0 200'])
    expect(heard).toEqual(['ACK of a 2xx', 'ACK of a 2xx'])
    await clock.advance(32_000)
    expect(rest()).toEqual(REST)
  })

  test('when it is ignored nothing is ever said', async () => {
    const { clock, wire, transaction, receive, rest } = invite()
    transaction.ignore()
    await clock.advance(31_500)
    receive(request('INVITE'))
    transaction.respond(...answer(200))
    await clock.advance(10_000)
    expect(wire.log).toEqual([])
    expect(rest()).toEqual(REST)
  })

  test('a copy that came by another way is told to be merged', () => {
    const { receive, taken } = invite()
    receive(request('INVITE', { branch: 'z9hG4bKother' }))
    receive(request('INVITE', { branch: 'z9hG4bKnext', cseq: '2 INVITE' }))
    expect(taken.map(({ merged }) => merged)).toEqual([false, true, false])
  })

  test('a peer without the magic cookie is matched by what RFC 2543 had', () => {
    const { receive, taken, wire } = lab()
    receive(request('INVITE', { branch: '1' }))
    receive(request('INVITE', { branch: '1' }))
    const first = taken[0]?.incoming
    if (first?.kind !== 'Invite') throw new Error('must be an INVITE')
    first.transaction.respond(...answer(486))
    receive(request('ACK', { branch: '1', to: '<sip:b@b>;tag=2' }))
    expect([taken.length, wire.log.length]).toEqual([1, 1])
  })
})

describe('non-INVITE server (17.2.2)', () => {
  test('copies get the response again; timer J ends it', async () => {
    const { clock, wire, taken, receive, rest } = lab()
    receive(request('OPTIONS'))
    receive(request('OPTIONS'))
    expect(wire.log).toEqual([])
    const incoming = taken[0]?.incoming
    if (incoming?.kind !== 'Other') throw new Error('must be no INVITE')
    incoming.transaction.respond(200, 'SIP/2.0 200 OK\r\n\r\n')
    receive(request('OPTIONS'))
    expect(wire.log).toEqual(['0 200', '0 200'])
    await clock.advance(32_000)
    expect(rest()).toEqual(REST)
  })

  test('a user who never answers does not keep it for ever', async () => {
    const { clock, receive, rest } = lab()
    receive(request('MESSAGE'))
    await clock.advance(37_000)
    expect(rest()).toEqual(REST)
  })
})
