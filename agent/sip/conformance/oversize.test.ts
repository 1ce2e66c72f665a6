import { expect, test } from 'vitest'
import { ANSWER, engine, inviteOptions, OFFER } from './lab.ts'
import { scriptedPeer } from './scripted-peer.ts'

/** An offer that makes the INVITE larger than 1300 bytes (RFC 3261 18.1.1). */
const LARGE = `${OFFER}${'a=candidate:1 1 UDP 2130706431 192.0.2.1 40000 typ host\r\n'.repeat(20)}`

test('an INVITE that is too large for UDP goes over TCP to the same address', async () => {
  await using callee = await samePorts()
  await using caller = await engine()
  using _bob = callee.onInvite('bob', (incoming) => void incoming.answer(ANSWER))
  const { UDP: port } = callee.ports
  const options = inviteOptions(port, 'UDP', { offer: LARGE })
  const outgoing = caller.invite(options)
  const outcome = await outgoing.outcome
  if (outcome.kind !== 'Answered') throw new Error(outcome.kind)
  expect(outgoing.remote).toEqual({ host: '127.0.0.1', port, transport: 'TCP' })
  const [invite] = options.trace.messages
  expect(invite?.transport).toBe('TCP')
  expect(invite?.text).toContain(`\r\nVia: SIP/2.0/TCP 127.0.0.1:${caller.ports.TCP};branch=`)
  expect(invite?.text).toContain(`\r\nContact: <sip:alice-contact@127.0.0.1:${caller.ports.UDP}>\r\n`)
  expect(await outcome.call.bye()).toEqual({ kind: 'Done', code: 200 })

  const small = inviteOptions(port, 'UDP')
  const another = await caller.invite(small).outcome
  expect([another.kind, small.trace.messages[0]?.transport]).toEqual(['Answered', 'UDP'])
})

test('and over UDP all the same when nobody takes it over TCP', async () => {
  await using caller = await engine()
  await using peer = await scriptedPeer()
  const options = inviteOptions(peer.port, 'UDP', { offer: LARGE })
  const outgoing = caller.invite(options)
  const invite = await peer.request('INVITE')
  peer.reply(invite, '486 Busy Here')
  expect(await outgoing.outcome).toMatchObject({ kind: 'Rejected', code: 486 })
  expect(outgoing.remote).toMatchObject({ transport: 'UDP', port: peer.port })
  expect(caller.gauges.dialogs).toBe(0)
})

/** One port for UDP and TCP. */
async function samePorts() {
  for (;;) {
    const first = await engine()
    const { TCP } = first.ports
    await first[Symbol.asyncDispose]()
    const both = await engine({ ports: { UDP: TCP, TCP } }).catch(() => undefined)
    if (both) return both
  }
}
