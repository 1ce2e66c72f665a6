/** Who leads, by a Lease of a real API server: one at a time, whatever stops, hangs or is deleted. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { storeUnavailable } from '../../operator/probes/store-state.ts'
import type { Cluster } from './cluster.ts'
import { startCluster } from './cluster.ts'
import { candidate } from './door.fixture.ts'

let kube: Cluster
beforeAll(async () => {
  kube = await startCluster({ level: 'api' })
})
afterAll(() => kube[Symbol.asyncDispose]())
beforeEach(async () => {
  await kube.kubectl('delete', 'lease', 'ringcheck', '--ignore-not-found')
})

const object = async () => JSON.parse(await kube.kubectl('get', 'lease', 'ringcheck', '--output', 'json'))
const lease = async () => (await object()).spec

test('of two candidates one leads; when it gives the Lease back the other does, with a higher epoch', async () => {
  await using one = await candidate(kube.kubeconfig, 'one')
  await using two = await candidate(kube.kubeconfig, 'two')
  const first = await one.elected()
  const waiting = two.elected()
  expect(first.holds()).toBe(true)
  expect(await lease()).toMatchObject({ holderIdentity: 'one', leaseTransitions: first.epoch })
  await first[Symbol.asyncDispose]()
  await using second = await waiting
  expect(first.holds()).toBe(false)
  expect(second.epoch).toBeGreaterThan(first.epoch)
  expect(await lease()).toMatchObject({ holderIdentity: 'two', leaseTransitions: second.epoch })
})

test('twenty candidates at once: one leads', async () => {
  await using stack = new AsyncDisposableStack()
  const stop = new AbortController()
  const identities = Array.from({ length: 20 }, (_, index) => `candidate-${index}`)
  const elections = await Promise.all(
    identities.map(async (identity) => stack.use(await candidate(kube.kubeconfig, identity)).election),
  )
  const elected = elections.map((election) => election.elected(stop.signal))
  await Promise.race(elected)
  stop.abort()
  const terms = (await Promise.all(elected)).filter((term) => term !== undefined)
  expect(terms).toHaveLength(1)
  await terms[0]?.[Symbol.asyncDispose]()
})

test('a leader whose API server hangs leads no more after its deadline, and begins a new term when it is back', async () => {
  await using one = await candidate(kube.kubeconfig, 'one')
  const term = await one.elected()
  const over = new Promise((resolve) => term.over.addEventListener('abort', resolve))
  {
    using _ = kube.stallApiServer()
    await over
    expect(term.holds()).toBe(false)
  }
  await using next = await one.elected()
  expect(next.epoch).toBeGreaterThan(term.epoch)
})

test('a Lease that somebody deleted is made again, and its epoch goes on, also where nobody saw the one before', async () => {
  const made = { holderIdentity: 'one', leaseTransitions: 0 }
  let last: number
  {
    await using one = await candidate(kube.kubeconfig, 'one')
    const term = await one.elected()
    last = term.epoch
    made.leaseTransitions = last
    await kube.kubectl('delete', 'lease', 'ringcheck')
    await expect.poll(() => lease().catch(() => undefined), { timeout: 60_000 }).toMatchObject(made)
    expect(term.holds()).toBe(true)
    await term[Symbol.asyncDispose]()
  }
  await kube.kubectl('delete', 'lease', 'ringcheck')
  await using two = await candidate(kube.kubeconfig, 'two')
  await using next = await two.elected()
  expect(next.epoch).toBeGreaterThan(last)
})

test('what is so about the leader is shown until its term ends, and what others wrote on the Lease stays', async () => {
  await using one = await candidate(kube.kubeconfig, 'one')
  const term = await one.elected()
  await kube.kubectl('label', 'lease', 'ringcheck', 'team=voice')
  await kube.kubectl('annotate', 'lease', 'ringcheck', 'example.org/note=ours')
  term.show?.([storeUnavailable({ available: false, reason: 'Gone', message: 'It is away.' }, Date.UTC(2026, 10, 21))])
  const shown = async () => (await object()).metadata.annotations['ringcheck.dev/conditions']
  await expect.poll(shown, { timeout: 60_000 }).toBeDefined()
  expect(JSON.parse(await shown())).toEqual([
    {
      ...{ type: 'StoreUnavailable', status: 'True', reason: 'Gone', message: 'It is away.' },
      lastTransitionTime: '2026-11-21T00:00:00.000Z',
    },
  ])
  const kept = { labels: { team: 'voice' }, annotations: { 'example.org/note': 'ours' } }
  expect((await object()).metadata).toMatchObject(kept)
  await term[Symbol.asyncDispose]()
  expect((await object()).metadata).toMatchObject(kept)
  expect(await shown()).toBeUndefined()
})

test('a Lease that another one took is lost at once', async () => {
  await using one = await candidate(kube.kubeconfig, 'one')
  const term = await one.elected()
  const over = new Promise((resolve) => term.over.addEventListener('abort', resolve))
  await kube.kubectl(
    'patch',
    'lease',
    'ringcheck',
    '--type=merge',
    '--patch',
    `{"spec":{"holderIdentity":"thief","leaseTransitions":${term.epoch + 1}}}`,
  )
  await over
  expect(term.holds()).toBe(false)
})
