/** Peers that send what no SIP peer should, or more than one may: real programs told to. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { shows } from '../../lab/features.ts'
import { temporaryFolder, until } from '../../lab/process.ts'
import { sippCaller } from '../../lab/sipp.ts'
import { sipsak } from '../../lab/sipsak.ts'
import * as agents from './agents.ts'
import { answer, toSipp } from './sipp.ts'

/** sipsak gives up soon: T1 of 50 ms, eight times. */
const SHORT = ['-vvv', '--timer-t1=50', '--timeout-factor=8']

test(
  'a callee that sends garbage at each step: the call is as good as any',
  shows({ SIPp: ['garbage', 'unparsable'] }),
  () =>
    toSipp('garbage', {}, async ({ outgoing, ours }) => {
      const call = await agents.answered(outgoing)
      expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
      await until(() => ours.counters.parseErrors === 5, { what: 'each piece is counted' })
    }),
)

describe('sipsak', () => {
  /** Sends a file over UDP to an engine of ours. */
  async function expectCounted(message: string, counted: (ours: Awaited<ReturnType<typeof agents.engine>>) => boolean) {
    using folder = temporaryFolder('sipsak')
    const file = join(folder.path, 'message')
    writeFileSync(file, message)
    await using ours = await agents.engine()
    const uri = `sip:lab@127.0.0.1:${ours.ports.UDP}`
    const { output } = await sipsak(uri, [...SHORT, '-f', file])
    await until(() => counted(ours), { what: 'it is counted' })
    // It is as alive as before.
    expect((await sipsak(uri)).code).toBe(0)
    return output
  }

  const HEADERS = [
    ...['OPTIONS sip:lab@127.0.0.1 SIP/2.0', 'Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK-sipsak'],
    ...['From: <sip:a@lab.test>;tag=1', 'To: <sip:lab@127.0.0.1>', 'Call-ID: sipsak', 'CSeq: 1 OPTIONS'],
    ...['Max-Forwards: 70', 'Contact: <sip:a@127.0.0.1:9>'],
  ]
  const message = (...more: string[]) => [...HEADERS, ...more, 'Content-Length: 0', '', ''].join('\r\n')

  test('a message that is no SIP is counted', shows({ sipsak: ['unparsable'] }), async () => {
    await expectCounted('GET / HTTP/1.1\r\nHost: lab\r\n\r\n', ({ counters }) => counters.parseErrors > 0)
  })

  test('more header fields than are taken', shows({ sipsak: ['header-count'] }), async () => {
    const fields = Array.from({ length: 300 }, () => 'x: y')
    await expectCounted(message(...fields), ({ counters }) => counters.parseErrors > 0)
  })

  test('requests beyond the limit of transactions are told 503', shows({ sipsak: ['transaction-limit'] }), async () => {
    await using ours = await agents.engine({ limits: { serverTransactions: 3 } })
    const uri = `sip:lab@127.0.0.1:${ours.ports.UDP}`
    const codes: number[] = []
    for (let count = 0; count < 4; count++) codes.push((await sipsak(uri, SHORT)).code)
    expect(codes.slice(0, 3)).toEqual([0, 0, 0])
    expect(codes[3]).not.toBe(0)
    expect(ours.counters.refused.transactions).toBeGreaterThan(0)
  })
})

test(
  'a message larger than is taken ends its connection, and that alone',
  shows({ SIPp: ['message-size'] }),
  async () => {
    await using ours = await agents.engine()
    const caller = { target: `127.0.0.1:${ours.ports.TCP}`, service: 'service', transport: 'tcp' } as const
    await using oversized = await sippCaller({ ...caller, scenario: 'oversized' })
    await until(() => ours.counters.parseErrors === 1, { what: 'it is counted' })
    const next = agents.nextCall(ours, 'service')
    await using good = await sippCaller({ ...caller, scenario: 'caller', keys: { header: 'Subject: lab' }, hold: 100 })
    await answer(await next)
    expect(await good.finished).toMatchObject({ successful: 1, failed: 0 })
    await oversized.kill()
  },
)

test('INVITEs beyond the limit of dialogs are told 503', shows({ SIPp: ['dialog-limit'] }), async () => {
  await using ours = await agents.engine({ limits: { dialogs: 2 } })
  using _taken = ours.onInvite('service', (incoming) => void incoming.answer(agents.answerTo(incoming.sdp)))
  const target = `127.0.0.1:${ours.ports.UDP}`
  await using caller = await sippCaller({
    ...{ target, scenario: 'caller', service: 'service', hold: 2_000, calls: 5, rate: 50 },
    keys: { header: 'Subject: lab' },
  })
  expect(await caller.finished).toMatchObject({ calls: 5, successful: 2, failed: 3 })
  expect(ours.counters.refused.dialogs).toBe(3)
  expect(ours.gauges.dialogs).toBe(0)
})
