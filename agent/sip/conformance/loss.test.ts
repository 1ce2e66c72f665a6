import { expect, test } from 'vitest'
import { seededRandom } from '../../../lib/random.ts'
import type { Trace } from '../trace/trace.ts'
import { ANSWER, drained, engine, fasterClock, inviteOptions } from './lab.ts'
import { lossyRelay } from './lossy-relay.ts'

const CALLS = 60

test('with 15 % of datagrams lost each way all calls complete, and what we say we sent again is what the wire saw', async () => {
  const clock = fasterClock(10)
  await using caller = await engine({ clock })
  await using callee = await engine({ clock })
  await using relay = await lossyRelay(caller.ports.UDP, callee.ports.UDP, { random: seededRandom(4), loss: 0.15 })
  const traces: Record<'left' | 'right', Trace[]> = { left: [], right: [] }
  using _bob = callee.onInvite('bob', (incoming) => {
    traces.right.push(incoming.trace)
    incoming.ring()
    void incoming.answer(ANSWER)
  })

  const calls = Array.from({ length: CALLS }, async () => {
    const options = inviteOptions(relay.port, 'UDP', { timeout: 60_000 })
    traces.left.push(options.trace)
    const outcome = await caller.invite(options).outcome
    return outcome.kind === 'Answered' ? (await outcome.call.bye()).kind : outcome.kind
  })
  expect(await Promise.all(calls)).toEqual(Array.from({ length: CALLS }, () => 'Done'))
  await drained(caller, callee)

  const sentAgain = (side: 'left' | 'right') =>
    traces[side]
      .flatMap(({ messages }) => messages)
      .filter(({ direction, retransmission }) => direction === 'Out' && retransmission).length
  expect(relay.lost).toBeGreaterThan(50)
  expect({ left: sentAgain('left'), right: sentAgain('right') }).toEqual(relay.again)
}, 60_000)
