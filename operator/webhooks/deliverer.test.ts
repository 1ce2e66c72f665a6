import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../../lib/log.ts'
import { ManualClock } from '../../lib/manual-clock.ts'
import type { Delivery, History } from '../history/index.ts'
import { flip, probe } from '../history/test-entries.ts'
import { sqliteStore } from '../history/test-store.ts'
import type { TestStore } from '../history/test-store.ts'
import { Deliverer } from './deliverer.ts'
import { createAddressCheck, LOOPBACK } from './addresses.ts'
import type { DelivererOptions } from './deliverer.ts'
import type { Target } from './prepare.ts'
import { accept, hang, headersOf, Receiver, refuse } from './test-receiver.ts'

const [SECOND, MINUTE] = [1000, 60_000]
const secret = `whsec_${randomBytes(32).toString('base64')}`

let store: TestStore
let clock: ManualClock
let history: History
let receiver: Receiver
let deliverer: Deliverer | undefined
const lines: string[] = []

beforeEach(async () => {
  store = await sqliteStore()
  // The verifying library compares with the real time.
  clock = new ManualClock(Date.now())
  history = await store.open(clock)
  receiver = new Receiver()
  await receiver.listen()
  lines.length = 0
})
afterEach(async () => {
  await stop()
  await receiver[Symbol.asyncDispose]()
  await history[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
})

const standard = { format: 'Standard' } as const
/** Each webhook goes to the path of its name. */
const byName = (item: Delivery): Promise<Target | { unavailable: string }> =>
  Promise.resolve({ ...standard, url: receiver.url(`/${item.webhook}`), secret })

function start(changes: Partial<DelivererOptions> = {}): Deliverer {
  const log = createLog({ name: 'test', level: 'debug', destination: { write: (line) => void lines.push(line) } })
  deliverer = new Deliverer({
    outbox: history.outbox,
    resolve: byName,
    holds: () => true,
    check: createAddressCheck(LOOPBACK),
    ...{ clock, random: () => 0, log },
    onSettled: (delivery, state) => void lines.push(`${delivery.sequence} ${state}`),
    ...changes,
  })
  return deliverer
}

/** Stops it, and lets the 5 s pass for what still hangs. */
async function stop(): Promise<void> {
  if (!deliverer) return
  let done = false
  const stopped = deliverer[Symbol.asyncDispose]().then(() => (done = true))
  await turn()
  while (!done) {
    await clock.advance(SECOND)
    await turn()
  }
  await stopped
  deliverer = undefined
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Waits for the world, not for time; the test's own time limit ends it. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await turn()
}

const page = { page: 1, perPage: 100 }
/** `SEQUENCE STATE` of a webhook's deliveries, oldest first. */
async function states(webhook: string): Promise<string[]> {
  const { items } = await history.outbox.list(page)
  return items
    .filter((item) => item.webhook === webhook)
    .map(({ sequence, state }) => `${sequence} ${state}`)
    .reverse()
}
const settled = (webhook: string, ...expected: string[]) =>
  until(async () => (await states(webhook)).join() === expected.join())
/** Waits until an attempt on the oldest pending delivery of the webhook was noted. */
const attempts = (webhook: string, count: number) =>
  until(async () => {
    const { items } = await history.outbox.list(page)
    return items.some((item) => item.webhook === webhook && item.attempts === count && item.state === 'Pending')
  })
const eventOf = (sequence: number) => `evt_${probe.uid}_${sequence}`

describe('a delivery', () => {
  test('arrives as it was recorded, and the library of Standard Webhooks accepts it', async () => {
    await history.record(flip(1))
    start()
    await settled('chat', '1 Delivered')
    const [got] = receiver.received
    expect(got).toMatchObject({ path: '/chat', id: eventOf(1), body: flip(1).deliveries[0]?.body })
    expect(got?.headers['content-type']).toBe('application/json')
    expect(new Webhook(secret).verify(got?.body ?? '', headersOf(got))).toMatchObject({ data: { sequence: 1 } })
  })

  test('that is recorded later goes when it is told so', async () => {
    const running = start()
    await history.record(flip(1))
    running.wake()
    await settled('chat', '1 Delivered')
    expect(await running.snapshot()).toEqual({
      results: { delivered: 1, failed: 0, disabled: 0, superseded: 0, expired: 0 },
      queueDepth: 0,
    })
  })

  test('during a rotation is accepted with the old and with the new secret', async () => {
    const next = `whsec_${randomBytes(24).toString('base64')}`
    await history.record(flip(1))
    start({
      resolve: async (item) => ({ ...(await byName(item)), url: receiver.url('/'), secret: `${secret}\n${next}\n` }),
    })
    await settled('chat', '1 Delivered')
    const [got] = receiver.received
    for (const each of [secret, next]) new Webhook(each).verify(got?.body ?? '', headersOf(got))
    expect(got?.signature?.split(' ')).toHaveLength(2)
  })

  test('without a secret is not signed', async () => {
    await history.record(flip(1))
    start({ resolve: () => Promise.resolve({ ...standard, url: receiver.url('/') }) })
    await settled('chat', '1 Delivered')
    expect(receiver.received[0]?.signature).toBeUndefined()
  })

  test('is not held up by an answer whose body never ends', async () => {
    receiver.answers.set('/chat', (_request, response) => {
      response.writeHead(200)
      const more = () => response.write('x'.repeat(10_000), () => setImmediate(more))
      more()
    })
    await history.record(flip(1))
    start()
    await settled('chat', '1 Delivered')
    expect(receiver.ids('/chat')).toEqual([eventOf(1)])
  })
})

describe('after a failure', () => {
  test('the same event goes again with the same id and a new time, and later ones wait for it', async () => {
    receiver.answers.set('/chat', refuse)
    for (const sequence of [1, 2, 3]) await history.record(flip(sequence))
    const running = start()
    await attempts('chat', 1)
    await clock.advance(5 * SECOND - 1)
    await turn()
    expect(receiver.ids('/chat')).toEqual([eventOf(1)])
    await clock.advance(1)
    await attempts('chat', 2)
    receiver.answers.set('/chat', accept)
    await clock.advance(30 * SECOND)
    await settled('chat', '1 Delivered', '2 Delivered', '3 Delivered')
    expect(receiver.ids('/chat')).toEqual([1, 1, 1, 2, 3].map(eventOf))
    const times = receiver.received.map(({ headers }) => Number(headers['webhook-timestamp']))
    expect(times.slice(0, 3).map((time) => time - (times[0] ?? 0))).toEqual([0, 5, 35])
    for (const got of receiver.received) new Webhook(secret).verify(got.body, headersOf(got))
    expect((await running.snapshot()).results).toMatchObject({ delivered: 3, failed: 2 })
  })

  test('the time that the receiver asks for is kept', async () => {
    receiver.answers.set('/chat', (_request, response) => void response.writeHead(429, { 'retry-after': '77' }).end())
    await history.record(flip(1))
    start()
    await attempts('chat', 1)
    await clock.advance(76_999)
    await turn()
    expect(receiver.received).toHaveLength(1)
    receiver.answers.delete('/chat')
    await clock.advance(1)
    await settled('chat', '1 Delivered')
  })

  test('a redirection is not followed', async () => {
    receiver.answers.set('/chat', (_request, response) => void response.writeHead(307, { location: '/other' }).end())
    await history.record(flip(1))
    start()
    await attempts('chat', 1)
    expect(receiver.received.map(({ path }) => path)).toEqual(['/chat'])
    expect((await history.outbox.list(page)).items).toMatchObject([{ responseCode: 307, error: 'HTTP 307' }])
  })

  test('of a connection the log says which, and not where the URL points', async () => {
    const closed = new Receiver()
    await closed.listen()
    const url = closed.url('/services/hunter2?token=hunter2')
    await closed[Symbol.asyncDispose]()
    await history.record(flip(1))
    start({ resolve: () => Promise.resolve({ ...standard, url, secret }) })
    await attempts('chat', 1)
    const [item] = (await history.outbox.list(page)).items
    expect(item?.error).toContain('ECONNREFUSED')
    expect(lines.join('')).toContain(new URL(url).origin)
    expect(`${lines.join('')}${item?.error}`).not.toMatch(/hunter2|whsec_/)
  })

  test('an old event gives way to a newer one after 10 minutes, and is given up after 6 hours', async () => {
    receiver.answers.set('/chat', refuse)
    await history.record(flip(1))
    const running = start()
    await attempts('chat', 1)
    await clock.advance(5 * SECOND)
    await attempts('chat', 2)
    await clock.advance(30 * SECOND)
    await attempts('chat', 3)
    await history.record(flip(2))
    running.wake()
    // Looks are at most a minute apart while something waits.
    for (let minute = 0; minute < 11; minute++) {
      await clock.advance(MINUTE)
      await turn()
    }
    await until(async () => (await states('chat')).includes('1 Superseded'))
    await until(async () => receiver.ids('/chat').includes(eventOf(2)))
    await until(async () => {
      await clock.advance(MINUTE)
      await turn()
      return (await states('chat')).includes('2 Expired')
    })
    expect(await states('chat')).toEqual(['1 Superseded', '2 Expired'])
    const { attempts: tried } = (await history.outbox.list(page)).items[0] ?? { attempts: 0 }
    expect(tried).toBeGreaterThanOrEqual(9)
    expect((await running.snapshot()).results).toMatchObject({ superseded: 1, expired: 1, delivered: 0 })
  })
})

describe('endpoints', () => {
  test('one that hangs delays no other, and has failed after 10 s', async () => {
    receiver.answers.set('/bad', hang)
    for (let index = 0; index < 60; index++) {
      await history.record(flip(1, { ...probe, name: `p${index}`, uid: `u${index}` }, ['bad']))
    }
    await history.record(flip(1, probe, ['bad', 'chat']))
    await history.record(flip(2, probe, ['bad', 'chat']))
    const running = start()
    await settled('chat', '1 Delivered', '2 Delivered')
    expect(receiver.ids('/chat')).toEqual([eventOf(1), eventOf(2)])
    await until(() => receiver.ids('/bad').length === 4)
    expect(await running.snapshot()).toMatchObject({ queueDepth: 62, results: { delivered: 2, failed: 0 } })
    await clock.advance(10 * SECOND)
    await until(async () => (await running.snapshot()).results.failed === 4)
    const failed = (await history.outbox.list(page)).items.filter((item) => item.attempts > 0 && item.webhook === 'bad')
    expect(new Set(failed.map(({ error }) => error))).toEqual(new Set(['no answer within 10 s']))
    expect(await running.snapshot()).toMatchObject({ oldestAge: 10 * SECOND })
  })

  test('get few requests at once, and in the end all of them', async () => {
    let now = 0
    let most = 0
    receiver.answers.set('/chat', (_request, response) => {
      most = Math.max(most, ++now)
      setImmediate(() => {
        now--
        response.writeHead(204).end()
      })
    })
    for (let index = 0; index < 300; index++) {
      await history.record(flip(1, { ...probe, name: `p${index}`, uid: `u${index}` }))
    }
    const running = start()
    await until(async () => {
      // It rests between two looks at a long queue.
      await clock.advance(10)
      return (await running.snapshot()).results.delivered === 300
    })
    expect(most).toBeLessThanOrEqual(4)
    expect(new Set(receiver.ids('/chat')).size).toBe(300)
    expect(receiver.received).toHaveLength(300)
  })

  test('one that answers 410 gets no more until its url or secretRef changes', async () => {
    receiver.answers.set('/old', (_request, response) => void response.writeHead(410).end())
    let target: Target = { ...standard, url: receiver.url('/old'), secret, secretRef: 'a/b' }
    for (const sequence of [1, 2]) await history.record(flip(sequence))
    const running = start({ resolve: () => Promise.resolve(target) })
    await settled('chat', '1 Disabled', '2 Disabled')
    expect(receiver.ids('/old')).toEqual([eventOf(1)])
    expect((await running.snapshot()).results.disabled).toBe(2)
    await stop()

    start({ resolve: () => Promise.resolve(target) })
    await history.record(flip(3))
    deliverer?.wake()
    await settled('chat', '1 Disabled', '2 Disabled', '3 Disabled')
    expect(receiver.ids('/old')).toEqual([eventOf(1)])

    receiver.answers.delete('/old')
    target = { ...target, secretRef: 'a/c' }
    await history.record(flip(4))
    deliverer?.wake()
    await settled('chat', '1 Disabled', '2 Disabled', '3 Disabled', '4 Delivered')
    expect(receiver.ids('/old')).toEqual([eventOf(1), eventOf(4)])
    expect(lines).toEqual(expect.arrayContaining(['1 Disabled', '2 Disabled', '3 Disabled', '4 Delivered']))
  })
})

describe('a target', () => {
  test.each([
    ['is not known', { unavailable: 'Secret default/hooks does not exist' }, 'Secret default/hooks does not exist'],
    ['has a bad secret', { ...standard, url: 'https://192.0.2.1/', secret: 'hunter2' }, 'secret is not whsec_'],
    ['is not encrypted', { ...standard, url: 'http://192.0.2.1/' }, 'http is not encrypted'],
  ])('that %s fails like one that does not answer, and may be mended', async (_what, target, error) => {
    let now: Target | { unavailable: string } = target
    await history.record(flip(1))
    start({ resolve: () => Promise.resolve(now) })
    await attempts('chat', 1)
    const [item] = (await history.outbox.list(page)).items
    expect(item?.error).toContain(error)
    expect(lines.join('')).not.toContain('hunter2')
    now = { ...standard, url: receiver.url('/chat'), secret }
    await clock.advance(5 * SECOND)
    await settled('chat', '1 Delivered')
  })

  test('that cannot be read fails too', async () => {
    await history.record(flip(1))
    start({ resolve: () => Promise.reject(new Error('the API server is away')) })
    await attempts('chat', 1)
    expect((await history.outbox.list(page)).items[0]?.error).toBe('the target could not be read')
  })

  test('on this machine is refused unless allowed', async () => {
    await history.record(flip(1))
    start({ check: createAddressCheck([]) })
    await attempts('chat', 1)
    expect((await history.outbox.list(page)).items[0]?.error).toBe('the URL points to this machine')
    expect(receiver.received).toEqual([])
  })
})

describe('the end of the process', () => {
  test('between the request and its note sends the event again, under the same id', async () => {
    const asked = Promise.withResolvers<ServerResponse>()
    receiver.answers.set('/chat', (_request, response) => asked.resolve(response))
    await history.record(flip(1))
    await history.record(flip(2))
    start()
    const response = await asked.promise
    // The store is gone at the moment the receiver accepts.
    await history[Symbol.asyncDispose]()
    response.writeHead(204).end()
    await until(() => lines.some((line) => line.includes('cannot be noted')))
    await stop()

    receiver.answers.delete('/chat')
    history = await store.open(clock)
    start()
    await settled('chat', '1 Delivered', '2 Delivered')
    expect(receiver.ids('/chat')).toEqual([eventOf(1), eventOf(1), eventOf(2)])
  })

  test('lets what is being sent finish, and begins nothing new', async () => {
    const asked = Promise.withResolvers<ServerResponse>()
    receiver.answers.set('/chat', (_request, response) => asked.resolve(response))
    await history.record(flip(1))
    await history.record(flip(2))
    const running = start()
    const response = await asked.promise
    const stopped = running[Symbol.asyncDispose]()
    await clock.advance(4 * SECOND)
    response.writeHead(204).end()
    await stopped
    deliverer = undefined
    expect(await states('chat')).toEqual(['1 Delivered', '2 Pending'])
    expect(receiver.ids('/chat')).toEqual([eventOf(1)])
    expect(clock.waiting).toBe(0)
  })

  test('comes after 5 s at the latest, and what was cut off counts as not tried', async () => {
    receiver.answers.set('/chat', hang)
    await history.record(flip(1))
    const running = start()
    await until(() => receiver.received.length === 1)
    const stopped = running[Symbol.asyncDispose]()
    await clock.advance(5 * SECOND)
    await stopped
    deliverer = undefined
    expect((await history.outbox.list(page)).items).toMatchObject([{ state: 'Pending', attempts: 0 }])
    expect(clock.waiting).toBe(0)
  })
})
