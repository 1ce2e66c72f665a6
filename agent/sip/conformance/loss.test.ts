import { expect, test } from 'vitest'
import { seededRandom } from '../../../lib/random.ts'
import { impairedSip } from '../../../test/lab/impaired-sip.ts'
import { sentAgain } from '../../../test/lab/impairment.ts'
import type { SignallingCounters } from '../engine.ts'
import { ANSWER, drained, engine, fasterClock, inviteOptions } from './lab.ts'

const CALLS = 60

test('with 15 % of datagrams lost each way all calls complete, and what we say we sent again is what the wire saw', async () => {
  const clock = fasterClock(10)
  await using caller = await engine({ clock })
  await using callee = await engine({ clock })
  const loss = { loss: 0.15 }
  await using relay = await impairedSip({
    ...{ left: caller.ports.UDP, right: callee.ports.UDP },
    ...{ random: seededRandom(4), impairments: { left: loss, right: loss } },
  })
  const counters: Record<'left' | 'right', Array<Readonly<SignallingCounters>>> = { left: [], right: [] }
  using _bob = callee.onInvite('bob', (incoming) => {
    incoming.ring()
    counters.right.push(incoming.counters)
    void incoming.answer(ANSWER)
  })

  const calls = Array.from({ length: CALLS }, async () => {
    const options = inviteOptions(relay.ports.left, 'UDP', { timeout: 60_000 })
    const outgoing = caller.invite(options)
    counters.left.push(outgoing.counters)
    const outcome = await outgoing.outcome
    return outcome.kind === 'Answered' ? (await outcome.call.bye()).kind : outcome.kind
  })
  expect(await Promise.all(calls)).toEqual(Array.from({ length: CALLS }, () => 'Done'))
  await drained(caller, callee)

  const again = (side: 'left' | 'right') =>
    counters[side].reduce((sum, { retransmissionsSent }) => sum + retransmissionsSent, 0)
  const lost = [...relay.record.left, ...relay.record.right].filter(({ departures }) => departures.length === 0)
  expect(lost.length).toBeGreaterThan(50)
  expect({ left: again('left'), right: again('right') }).toEqual({
    left: sentAgain(relay.record.left),
    right: sentAgain(relay.record.right),
  })
}, 60_000)
