import { expect, test } from 'vitest'
import { ManualClock } from '../../lib/manual-clock.ts'
import { AccountLeases } from './accounts.ts'

function leasesOf(policy: { maxConcurrentCalls?: number; maxCallsPerSecond?: number } = {}) {
  const clock = new ManualClock()
  const leases = new AccountLeases(clock)
  const take = (username?: string, wait = 10_000, signal = new AbortController().signal) =>
    leases.take({
      registrar: 'default/trunk',
      ...(username !== undefined && { username }),
      policy: policy as never,
      until: clock.now() + wait,
      signal,
    })
  return { clock, take }
}

test('an account has one user at a time; the next one gets it when it is given back', async () => {
  const { clock, take } = leasesOf()
  const first = await take('a')
  let second: Disposable | undefined
  const waiting = take('a').then((lease) => (second = lease))
  await clock.advance(5_000)
  expect(second).toBeUndefined()
  first?.[Symbol.dispose]()
  await waiting
  expect(second).toBeDefined()
  second?.[Symbol.dispose]()
  expect(clock.waiting).toBe(0)
})

test('whoever waits longer than its slot goes without', async () => {
  const { clock, take } = leasesOf()
  await take('a')
  const waiting = take('a', 3_000)
  await clock.advance(3_000)
  expect(await waiting).toBeUndefined()
})

test('a free account is given also where the slot is over already', async () => {
  const { take } = leasesOf()
  expect(await take('a', -60_000)).toBeDefined()
})

test('accounts do not wait for each other', async () => {
  const { take } = leasesOf()
  expect(await take('a')).toBeDefined()
  expect(await take('b')).toBeDefined()
})

test('a trunk that knows us by our address takes calls side by side, as many as its policy allows', async () => {
  const { clock, take } = leasesOf({ maxConcurrentCalls: 2 })
  expect(await take()).toBeDefined()
  const second = await take()
  let third: Disposable | undefined
  void take().then((lease) => (third = lease))
  await clock.advance(1_000)
  expect(third).toBeUndefined()
  second?.[Symbol.dispose]()
  await clock.advance(0)
  expect(third).toBeDefined()
})

test('a trunk carries no more calls at once than its policy allows', async () => {
  const { clock, take } = leasesOf({ maxConcurrentCalls: 1 })
  const first = await take('a')
  let second: Disposable | undefined
  void take('b').then((lease) => (second = lease))
  await clock.advance(1_000)
  expect(second).toBeUndefined()
  first?.[Symbol.dispose]()
  await clock.advance(0)
  expect(second).toBeDefined()
})

test('a trunk takes no more calls a second than its policy allows', async () => {
  const { clock, take } = leasesOf({ maxCallsPerSecond: 2 })
  const given: string[] = []
  for (const name of ['a', 'b', 'c']) void take(name).then(() => given.push(name))
  await clock.advance(0)
  expect(given).toEqual(['a'])
  await clock.advance(499)
  expect(given).toEqual(['a'])
  await clock.advance(1)
  expect(given).toEqual(['a', 'b'])
  await clock.advance(500)
  expect(given).toEqual(['a', 'b', 'c'])
})

test('a wait that is broken off leaves nothing behind', async () => {
  const { clock, take } = leasesOf()
  const first = await take('a')
  const abort = new AbortController()
  const waiting = take('a', 10_000, abort.signal)
  abort.abort()
  expect(await waiting).toBeUndefined()
  first?.[Symbol.dispose]()
  expect(clock.waiting).toBe(0)
})
