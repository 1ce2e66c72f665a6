import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../lib/clock.ts'
import type { History } from '../operator/history/index.ts'
import { flip } from '../operator/history/test-entries.ts'
import { serving } from './api.fixture.ts'
import { run } from './terminal.fixture.ts'

let stack: AsyncDisposableStack
let history: History
let url: string

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  ;({ history, url } = await serving(stack))
})
afterEach(() => stack.disposeAsync())

test('the log is shown, one with its attempts, and sent once more', async () => {
  await history.record(flip(1))
  const [item] = await history.outbox.due(systemClock.now(), 1)
  if (!item) throw new Error('one is due')
  const { id } = item
  await history.outbox.postpone(item, { nextAttemptAt: 0, responseCode: 503, error: 'HTTP 503', at: 0 })
  await history.outbox.settle(item, { state: 'Delivered', responseCode: 204, at: 5_000, endpoint: 'e' })

  const all = await run('deliveries', '--url', url)
  expect(all.out).toMatch(/default\/switchboard +chat +Degraded +Delivered +2 +\d+s +HTTP 204/)
  expect((await run('deliveries', '--namespace', 'default', '--url', url)).out).toContain('switchboard')
  expect((await run('deliveries', '--namespace', 'other', '--url', url)).out).not.toContain('switchboard')
  const one = await run('deliveries', String(id), '--url', url)
  expect(one.out).toContain('1970-01-01T00:00:00.000Z  HTTP 503')
  expect(one.out).toContain('1970-01-01T00:00:05.000Z  HTTP 204')
  const replayed = await run('deliveries', String(id), '--replay', '--url', url)
  expect(replayed).toMatchObject({ code: 0, out: expect.stringMatching(/Pending +0/) })
  expect((await history.outbox.get(id))?.state).toBe('Pending')
})

test('what is not there, or cannot be done, is said', async () => {
  const nothing = await run('deliveries', '7', '--replay', '--url', url)
  expect(nothing).toMatchObject({ code: 3, err: expect.stringContaining('There is no delivery 7. (DeliveryNotFound)') })
  const which = await run('deliveries', '--replay', '--url', url)
  expect(which).toMatchObject({ code: 3, err: expect.stringContaining('--replay needs the ID of a delivery') })
})
