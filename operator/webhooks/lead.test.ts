import { expect, test } from 'vitest'
import { systemRandom } from '../../lib/random.ts'
import { createLog } from '../../lib/log.ts'
import { ManualClock } from '../../lib/manual-clock.ts'
import { flip } from '../history/test-entries.ts'
import { sqliteStore } from '../history/test-store.ts'
import { createAddressCheck, LOOPBACK } from './addresses.ts'
import { Deliverer } from './deliverer.ts'
import { Receiver } from './test-receiver.ts'

test('a delivery is left to the next leader by one that lost the lead while it asked where to send it', async () => {
  await using store = await sqliteStore()
  await using receiver = new Receiver()
  await receiver.listen()
  const clock = new ManualClock()
  await using history = await store.open(clock)
  await history.record(flip(1))
  let asked = 0
  const deliverer = (holds: () => boolean) =>
    new Deliverer({
      outbox: history.outbox,
      resolve: async () => {
        asked++
        return { url: receiver.url('/chat'), format: 'Standard' }
      },
      holds,
      check: createAddressCheck(LOOPBACK),
      clock,
      random: systemRandom,
      log: createLog({ name: 'test', level: 'silent' }),
      onSettled: () => undefined,
    })
  {
    await using _ = deliverer(() => asked === 0)
    await expect.poll(() => asked).toBe(1)
    // Nor does it look again.
    for (let minute = 0; minute < 10; minute++) await clock.advance(60_000)
  }
  expect({ asked, received: receiver.received.length }).toEqual({ asked: 1, received: 0 })
  {
    await using _ = deliverer(() => true)
    await expect.poll(() => receiver.received.length).toBe(1)
  }
  expect((await history.outbox.list({ page: 1, perPage: 1 })).items).toMatchObject([
    { state: 'Delivered', attempts: 1 },
  ])
})
