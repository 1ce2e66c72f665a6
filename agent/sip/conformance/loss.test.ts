import { expect, test } from 'vitest'
import { seededRandom } from '../../../lib/random.ts'
import type { SignallingCounters } from '../engine.ts'
import { ANSWER, drained, engine, fasterClock, inviteOptions } from './lab.ts'
import { lossyRelay } from './lossy-relay.ts'

const CALLS = 60

test('with 15 % of datagrams lost each way all calls complete, and what we say we sent again is what the wire saw', async () => {
  const clock = fasterClock(10)
  await using caller = await engine({ clock })
  await using callee = await engine({ clock })
  await using relay = await lossyRelay(caller.ports.UDP, callee.ports.UDP, { random: seededRandom(4), loss: 0.15 })
  const counters: Record<'left' | 'right', Array<Readonly<SignallingCounters>>> = { left: [], right: [] }
  using _bob = callee.onInvite('bob', (incoming) => {
    incoming.ring()
    counters.right.push(incoming.counters)
    void incoming.answer(ANSWER)
  })

  const calls = Array.from({ length: CALLS }, async () => {
    const options = inviteOptions(relay.port, 'UDP', { timeout: 60_000 })
    const outgoing = caller.invite(options)
    counters.left.push(outgoing.counters)
    const outcome = await outgoing.outcome
    return outcome.kind === 'Answered' ? (await outcome.call.bye()).kind : outcome.kind
  })
  expect(await Promise.all(calls)).toEqual(Array.from({ length: CALLS }, () => 'Done'))
  await drained(caller, callee)

  const sentAgain = (side: 'left' | 'right') =>
    counters[side].reduce((sum, { retransmissionsSent }) => sum + retransmissionsSent, 0)
  expect(relay.lost).toBeGreaterThan(50)
  expect({ left: sentAgain('left'), right: sentAgain('right') }).toEqual(relay.again)
}, 60_000)
