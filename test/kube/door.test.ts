/** The door of the operator to a real API server that is restarted, stalled, compacted and flooded. */
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { SipProbeStatus } from '../../crds/index.ts'
import { systemClock } from '../../lib/clock.ts'
import type { LeasedTerm } from '../../operator/cluster/kubernetes/index.ts'
import { loadKubeConfig, openKubeClient, openReviews } from '../../operator/cluster/kubernetes/index.ts'
import type { Cluster } from './cluster.ts'
import { startCluster } from './cluster.ts'
import type { Door } from './door.fixture.ts'
import { candidate, openDoor, probe } from './door.fixture.ts'
import { relayTo } from './relay.ts'

/** Milliseconds in which whatever broke must be mended. */
const MENDED = 120_000

let kube: Cluster
beforeAll(async () => {
  kube = await startCluster({ level: 'api', audit: true })
  await kube.installCrds()
})
afterAll(() => kube[Symbol.asyncDispose]())

/** A namespace for each test. */
let namespace = ''
let count = 0
beforeEach(async () => {
  namespace = `space-${++count}`
  await kube.kubectl('create', 'namespace', namespace)
})

async function opened(kubeconfig = kube.kubeconfig): Promise<Door> {
  const door = await openDoor(kubeconfig, namespace)
  onTestFinished(() => door[Symbol.asyncDispose]())
  return door
}

/** A door that may write. */
async function leading(): Promise<Door> {
  const door = await opened()
  const one = await candidate(kube.kubeconfig, 'leader', namespace)
  const term = await one.elected()
  onTestFinished(async () => {
    await term[Symbol.asyncDispose]()
    await one[Symbol.asyncDispose]()
  })
  door.cluster.lead(term)
  return door
}

/** A term whose end the test decides. */
const termUntil = (over: AbortSignal): LeasedTerm => ({
  ...{ epoch: 1, over, holds: () => !over.aborted },
  [Symbol.asyncDispose]: () => Promise.resolve(),
})

const kubectl = (...words: readonly string[]) => kube.kubectl(...words, '--namespace', namespace)
const apply = (manifest: string) =>
  kube.kubectl.with(manifest, 'apply', '--namespace', namespace, '--server-side', '--filename', '-')
const names = ({ cluster }: Door) =>
  cluster
    .list('SipProbe')
    .map(({ metadata }) => metadata.name)
    .toSorted()
async function becomes(what: () => unknown, expected: unknown): Promise<void> {
  await expect.poll(what, { timeout: MENDED, interval: 50 }).toEqual(expected)
}

const key = (name = 'echo') => ({ namespace, name })
const status = (message: string): SipProbeStatus => ({ observedGeneration: 1, health: 'Healthy', message })
const statusOf = async (name = 'echo'): Promise<SipProbeStatus | undefined> =>
  JSON.parse(await kubectl('get', 'sipprobe', name, '--output', 'json')).status
/** Writes of our objects' status so far. */
const writes = () =>
  kube.audit().filter(({ objectRef }) => objectRef?.namespace === namespace && objectRef.subresource === 'status')

describe('watching', () => {
  test('what is there, comes, changes and goes is known, and told once', async () => {
    await apply(probe('before'))
    const door = await opened()
    expect(names(door)).toEqual(['before'])
    await apply(probe('echo'))
    await becomes(() => names(door), ['before', 'echo'])
    expect(door.cluster.get('SipProbe', key())?.spec.schedule.interval).toBe('5m')
    await apply(probe('echo', { interval: '1m' }))
    await becomes(() => door.cluster.get('SipProbe', key())?.metadata.generation, 2)
    await kubectl('delete', 'sipprobe', 'echo')
    await becomes(() => names(door), ['before'])
    expect(door.announced).toEqual([
      `SipProbe ${namespace}/echo`,
      `SipProbe ${namespace}/echo`,
      `SipProbe ${namespace}/echo`,
    ])
  })

  test('a restart of the API server loses nothing, also of what changed while nobody watched', async () => {
    await apply(probe('kept') + probe('gone'))
    const door = await opened()
    await kube.restartApiServer(2)
    await apply(probe('new') + probe('kept', { interval: '1m' }))
    await kubectl('delete', 'sipprobe', 'gone')
    await becomes(() => names(door), ['kept', 'new'])
    await becomes(() => door.cluster.get('SipProbe', key('kept'))?.spec.schedule.interval, '1m')
    expect(door.restarts).toContain('SipProbe')
  }, 300_000)

  test('a watch from before a compaction begins anew with all there is', async () => {
    await apply(probe('kept') + probe('gone'))
    await using relay = await relayTo(kube.kubeconfig)
    await using door = await openDoor(relay.kubeconfig, namespace)
    {
      using _ = relay.block()
      await kubectl('delete', 'sipprobe', 'gone')
      await apply(probe('new'))
      await kube.compact()
      await kube.restartApiServer(0)
    }
    await becomes(() => names(door), ['kept', 'new'])
    expect(door.lines.filter((line) => line.includes('too old for the API server'))).not.toEqual([])
    await apply(probe('later'))
    await becomes(() => names(door), ['kept', 'later', 'new'])
  }, 300_000)

  test('a network that breaks without a word is noticed, and what happened meanwhile is seen', async () => {
    await apply(probe('kept') + probe('gone'))
    await using relay = await relayTo(kube.kubeconfig)
    await using door = await openDoor(relay.kubeconfig, namespace)
    {
      using _ = relay.block()
      await kubectl('delete', 'sipprobe', 'gone')
      await apply(probe('new'))
      await expect.poll(() => door.restarts.includes('SipProbe'), { timeout: MENDED, interval: 500 }).toBe(true)
      expect(names(door)).toEqual(['gone', 'kept'])
    }
    await becomes(() => names(door), ['kept', 'new'])
  }, 300_000)

  test('a stalled API server is noticed, and what changes after it is seen', async () => {
    await apply(probe('kept'))
    const door = await opened()
    {
      using _ = kube.stallApiServer()
      // A connection that says nothing for half a minute counts as dead.
      await expect.poll(() => door.restarts.includes('SipProbe'), { timeout: MENDED, interval: 500 }).toBe(true)
      expect(names(door)).toEqual(['kept'])
    }
    await apply(probe('new'))
    await becomes(() => names(door), ['kept', 'new'])
  }, 300_000)

  test('of two namespaces only the one that was asked for is looked at', async () => {
    await kube.kubectl.with(probe('elsewhere'), 'apply', '--namespace', 'default', '--filename', '-')
    await apply(probe('echo'))
    const lists = () => kube.audit().filter(({ verb, user }) => verb === 'list' && user.username === 'admin')
    const before = lists().length
    const door = await opened()
    expect(names(door)).toEqual(['echo'])
    const asked = () => [
      ...new Set(
        lists()
          .slice(before)
          .map(({ objectRef }) => objectRef?.namespace),
      ),
    ]
    await becomes(asked, [namespace])
  })

  test('the annotation of a namespace pauses it, and its probes are told', async () => {
    await apply(probe('echo'))
    const door = await openDoor(kube.kubeconfig)
    onTestFinished(() => door[Symbol.asyncDispose]())
    await kube.kubectl('annotate', 'namespace', namespace, 'ringcheck.dev/paused=true')
    await becomes(() => door.cluster.isPaused(namespace), true)
    await kube.kubectl('annotate', 'namespace', namespace, 'ringcheck.dev/paused-')
    await becomes(() => door.cluster.isPaused(namespace), false)
    expect(door.announced).toEqual([`SipProbe ${namespace}/echo`, `SipProbe ${namespace}/echo`])
  })

  test('a thousand that come at once are all known, and each status is written once', async () => {
    const door = await leading()
    const all = Array.from({ length: 1000 }, (_, index) => `p${index}`).toSorted()
    await apply(all.map((name) => probe(name)).join(''))
    await becomes(() => names(door), all)
    for (const name of all) await door.cluster.writeStatus('SipProbe', key(name), status('first'))
    await becomes(() => writes().length, 1000)
    expect((await statusOf('p999'))?.message).toBe('first')
    expect(new Set(door.announced).size).toBe(1000)
    expect(door.announced).toHaveLength(1000)
  }, 300_000)
})

describe('status', () => {
  test('is applied under our name, and nothing is written that is there already', async () => {
    await apply(probe('echo'))
    const door = await leading()
    await door.cluster.writeStatus('SipProbe', key(), status('first'))
    expect(door.cluster.status('SipProbe', key())?.message).toBe('first')
    await becomes(async () => (await statusOf())?.message, 'first')
    const object = JSON.parse(await kubectl('get', 'sipprobe', 'echo', '--output', 'json', '--show-managed-fields'))
    expect(object.metadata.managedFields).toContainEqual(
      expect.objectContaining({ manager: 'ringcheck', operation: 'Apply', subresource: 'status' }),
    )
    for (let count = 0; count < 100; count++) await door.cluster.writeStatus('SipProbe', key(), status('first'))
    // Another replica that takes over knows by its own watch what is there.
    const next = await opened()
    expect(next.cluster.status('SipProbe', key())).toEqual(status('first'))
    await door.cluster.writeStatus('SipProbe', key(), status('second'))
    await becomes(async () => (await statusOf())?.message, 'second')
    await becomes(() => writes().length, 2)
    await becomes(() => next.cluster.status('SipProbe', key())?.message, 'second')
    expect(next.announced).toEqual([`SipProbe ${namespace}/echo`])
    expect(door.announced).toEqual([])
  })

  test('is written over what somebody else wrote there', async () => {
    await apply(probe('echo'))
    const door = await leading()
    await door.cluster.writeStatus('SipProbe', key(), status('ours'))
    await becomes(async () => (await statusOf())?.message, 'ours')
    const patch = JSON.stringify({ status: { message: 'theirs' } })
    await kubectl('patch', 'sipprobe', 'echo', '--subresource=status', '--type=merge', '--patch', patch)
    await becomes(async () => (await statusOf())?.message, 'ours')
    // Ours, theirs, ours again; kubectl looks at it before it writes.
    await expect
      .poll(() => writes().map(({ verb }) => verb), { timeout: MENDED })
      .toEqual(['patch', 'get', 'patch', 'patch'])
  })

  test('is not written by a replica that does not lead, nor after its term', async () => {
    await apply(probe('echo'))
    const door = await opened()
    await door.cluster.writeStatus('SipProbe', key(), status('never'))
    await using one = await candidate(kube.kubeconfig, 'one')
    const term = await one.elected()
    door.cluster.lead(term)
    expect(door.cluster.epoch).toBe(term.epoch)
    await door.cluster.writeStatus('SipProbe', key(), status('led'))
    await becomes(async () => (await statusOf())?.message, 'led')
    await term[Symbol.asyncDispose]()
    await door.cluster.writeStatus('SipProbe', key(), status('too late'))
    await becomes(() => writes().length, 1)
  })

  test('that a term did not come to write is written in the next one, and no other', async () => {
    const all = Array.from({ length: 40 }, (_, index) => `echo-${index}`)
    await apply(all.map((name) => probe(name)).join(''))
    const door = await opened()
    const write = () => Promise.all(all.map((name) => door.cluster.writeStatus('SipProbe', key(name), status('led'))))
    const written = async () => {
      const { items } = JSON.parse(await kubectl('get', 'sipprobes', '--output', 'json'))
      return items.filter((item: { status?: SipProbeStatus }) => item.status?.message === 'led').length
    }
    const ended = new AbortController()
    door.cluster.lead(termUntil(ended.signal))
    void write()
    // Fewer than these go out at once.
    ended.abort()
    await expect.poll(written, { timeout: MENDED }).toBeGreaterThan(0)
    door.cluster.lead(termUntil(new AbortController().signal))
    await write()
    await becomes(written, all.length)
    await write()
    expect(writes().length).toBeLessThan(2 * all.length)
  })

  test('waits for an API server that is away, and only the last one counts', async () => {
    await apply(probe('echo'))
    const door = await opened()
    // By a Lease it would end when a busy machine takes ten seconds for the restart.
    door.cluster.lead(termUntil(new AbortController().signal))
    const restarted = kube.restartApiServer(3)
    for (let count = 0; count < 10; count++)
      await door.cluster.writeStatus('SipProbe', key(), status(`figure ${count}`))
    await restarted
    await becomes(async () => (await statusOf())?.message, 'figure 9')
    expect(writes().length).toBeLessThan(10)
  }, 300_000)

  test('of an object that only we can refuse says why; the others are as they were', async () => {
    const door = await leading()
    await apply(probe('echo') + probe('refused', { zone: 'Mars/Olympus' }))
    await becomes(async () => (await statusOf('refused'))?.conditions?.[0], {
      type: 'Ready',
      status: 'False',
      reason: 'InvalidSpec',
      message: expect.stringContaining('spec.schedule.timeZone: '),
      observedGeneration: 1,
      lastTransitionTime: expect.any(String),
    })
    expect(names(door)).toEqual(['echo'])
    await apply(probe('refused', { interval: '1m' }))
    await becomes(() => names(door), ['echo', 'refused'])
    await becomes(() => writes().length, 1)
  })
})

describe('Secrets, ConfigMaps and Events', () => {
  test('a Secret is read when it is asked for, decoded, and never listed or watched', async () => {
    const door = await opened()
    await kubectl('create', 'secret', 'generic', 'pbx', '--from-literal=password=s3cret')
    await kubectl('create', 'configmap', 'audio', '--from-literal=a=b')
    expect(await door.cluster.secret(key('pbx'))).toEqual({ password: 's3cret' })
    expect(await door.cluster.configMap(key('audio'))).toEqual({ a: Buffer.from('b') })
    expect(await door.cluster.secret(key('none'))).toBeUndefined()
    const asked = () =>
      kube.audit().filter(({ user, objectRef }) => user.username === 'admin' && objectRef?.resource === 'secrets')
    const verbs = () => asked().map(({ verb }) => verb)
    await becomes(() => verbs().toSorted(), ['create', 'get', 'get'])
  })

  test('what is told of an object is one Event, however often it is told', async () => {
    await apply(probe('echo'))
    const door = await leading()
    await becomes(() => names(door), ['echo'])
    const event = {
      id: 'transition-1',
      type: 'Warning',
      action: 'Probe',
      reason: 'NoAnswer',
      note: 'Nobody answered.',
    } as const
    door.cluster.tell('SipProbe', key(), event)
    door.cluster.tell('SipProbe', key(), event)
    const events = async () => JSON.parse(await kubectl('get', 'events.events.k8s.io', '--output', 'json')).items
    await becomes(async () => (await events()).length, 1)
    expect((await events())[0]).toMatchObject({
      reason: 'NoAnswer',
      note: 'Nobody answered.',
      regarding: { kind: 'SipProbe', name: 'echo' },
    })
  })
})

describe('tokens', () => {
  test('are right or wrong as the API server says, and neither while it says nothing', async () => {
    await kubectl('create', 'serviceaccount', 'reader')
    await kubectl('create', 'role', 'reader', '--verb=get', '--resource=sipprobes.ringcheck.dev')
    await kubectl('create', 'rolebinding', 'reader', '--role=reader', `--serviceaccount=${namespace}:reader`)
    const token = async () => (await kubectl('create', 'token', 'reader', '--audience=ringcheck')).trim()
    const [first, second] = [await token(), await token()]
    const config = loadKubeConfig(kube.kubeconfig)
    await using client = await openKubeClient({ config, connections: 2, timeout: 5_000 })
    using reviews = openReviews({ client, audiences: ['ringcheck'], clock: systemClock })
    const user = await reviews.authenticate(first)
    if (user.kind !== 'User') throw new Error(`the token is ${user.kind}`)
    expect(user.name).toBe(`system:serviceaccount:${namespace}:reader`)
    const access = { verb: 'get', kind: 'SipProbe', ...key() } as const
    expect(await user.authorize(access)).toEqual({ kind: 'Allowed' })
    expect(await user.authorize({ ...access, namespace: 'default' })).toEqual({ kind: 'Denied' })
    expect(await user.authorize({ ...access, verb: 'create', subresource: 'run' })).toEqual({ kind: 'Denied' })
    {
      using _ = kube.stallApiServer()
      const [whose, what] = await Promise.all([
        reviews.authenticate(second),
        user.authorize({ ...access, name: 'other' }),
      ])
      expect([whose.kind, what.kind]).toEqual(['Undecided', 'Undecided'])
    }
    expect((await reviews.authenticate(second)).kind).toBe('User')
    // Who may not review may not let in.
    const powerless = loadKubeConfig(await kube.kubeconfigOf({ namespace, name: 'reader' }))
    await using other = await openKubeClient({ config: powerless, connections: 2, timeout: 5_000 })
    using refused = openReviews({ client: other, audiences: ['ringcheck'], clock: systemClock })
    expect(await refused.authenticate(first)).toMatchObject({
      kind: 'Undecided',
      reason: expect.stringContaining('cannot create resource "tokenreviews"'),
    })
  })
})
