import { expect, test } from 'vitest'
import { seededRandom } from '../../../lib/random.ts'
import { impairedSip } from '../../../test/lab/impaired-sip.ts'
import { sentAgain } from '../../../test/lab/impairment.ts'
import type { Trace } from '../trace/trace.ts'
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
  const traces: Record<'left' | 'right', Trace[]> = { left: [], right: [] }
  using _bob = callee.onInvite('bob', (incoming) => {
    traces.right.push(incoming.trace)
    incoming.ring()
    void incoming.answer(ANSWER)
  })

  const calls = Array.from({ length: CALLS }, async () => {
    const options = inviteOptions(relay.ports.left, 'UDP', { timeout: 60_000 })
    traces.left.push(options.trace)
    const outcome = await caller.invite(options).outcome
    return outcome.kind === 'Answered' ? (await outcome.call.bye()).kind : outcome.kind
  })
  expect(await Promise.all(calls)).toEqual(Array.from({ length: CALLS }, () => 'Done'))
  await drained(caller, callee)

  const again = (side: 'left' | 'right') =>
    traces[side]
      .flatMap(({ messages }) => messages)
      .filter(({ direction, retransmission }) => direction === 'Out' && retransmission).length
  const lost = [...relay.record.left, ...relay.record.right].filter(({ copies }) => copies === 0)
  expect(lost.length).toBeGreaterThan(50)
  expect({ left: again('left'), right: again('right') }).toEqual({
    left: sentAgain(relay.record.left),
    right: sentAgain(relay.record.right),
  })
}, 60_000)
