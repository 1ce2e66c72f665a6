/** What is declared wrong, or goes while it is used: what the product says of it on a real API server, and that it comes back without hands. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RecordLine, Responder } from '../../agent/respond/index.ts'
import { sleep, systemClock } from '../../lib/clock.ts'
import { temporaryFolder } from '../lab/process.ts'
import type { Cluster } from './cluster.ts'
import { startCluster } from './cluster.ts'
import { callee, eventually, namespaceOf, probe, registrar, secret, sumOf } from './faults.fixture.ts'
import { operatorAccount } from './operator-account.ts'
import type { RunningOperator } from './ringcheck-operator.ts'
import { ringcheckOperator } from './ringcheck-operator.ts'

const MANY = 1000
/** Milliseconds: longer than the longest time between two looks at a probe. */
const IDLE = 65_000
/** Milliseconds in which a result is in its status, on a busy machine. */
const WRITTEN = 5_000

const stack = new AsyncDisposableStack()
let kube: Cluster
let target: Responder
let operator: RunningOperator
let folder: string

beforeAll(async () => {
  folder = stack.use(temporaryFolder('faults')).path
  kube = stack.use(await startCluster({ level: 'api', audit: true }))
  await kube.installCrds()
  target = stack.use(await callee('127.0.0.1', ['alice', 'bob'], join(folder, 'record')))
  const { kubeconfig } = await operatorAccount(kube)
  operator = stack.use(await ringcheckOperator({ folder, kubeconfig, name: 'operator' }))
})
afterAll(() => stack.disposeAsync())

const withoutAccount = () => registrar('pbx', `port: ${target.port}, register: false`)

const executionsIn = (namespace: string) =>
  sumOf(operator, 'ringcheck_probe_executions_total', `namespace="${namespace}"`)

test('a thousand probes that are applied at once are each called once, for two writes of a status', async () => {
  const idle = await namespaceOf(kube, 'idle')
  const names = Array.from({ length: MANY }, (_, index) => `probe-${index}`)
  // A few come due by their grid meanwhile.
  const daily = 'check: Options, schedule: { interval: 24h }'
  await idle.apply(withoutAccount() + names.map((name) => probe(name, 'pbx', daily)).join(''))
  const template = '{range .items[*]}{.status.lastExecution.id}{"\\n"}{end}'
  const called = async () => {
    const ids = await idle.kubectl('get', 'sipprobes', '--output', `jsonpath=${template}`)
    return ids.split('\n').filter((id) => id !== '').length
  }
  await eventually(async () => expect(await called()).toBe(MANY))
  const executions = await executionsIn('idle')
  expect(executions - MANY).toBeLessThan(MANY / 100)
  // One when it is accepted, and one with each result, which is counted after it; and that of the registrar.
  await eventually(async () => {
    const writes = statusWrites('idle').length
    expect(writes).toBeLessThanOrEqual(MANY + (await executionsIn('idle')) + 1)
  })
}, 600_000)

interface Called {
  metadata: { name: string }
  status: { lastExecution: { finishedAt: string } }
}

/** Of probes and registrars. */
const statusWrites = (namespace: string) =>
  kube
    .audit()
    .filter(
      ({ verb, objectRef }) =>
        verb === 'patch' && objectRef?.namespace === namespace && objectRef.subresource === 'status',
    )

describe.concurrent('beside a thousand probes', () => {
  test('which cost the API server nothing while they are not due', async () => {
    const idle = await namespaceOf(kube, 'idle')
    const requests = () =>
      kube.audit().flatMap(({ objectRef: of }) => (of?.namespace === 'idle' ? (of.name ?? []) : []))
    // What was written of the last results may still be on its way.
    const at = new Date().toISOString()
    await sleep(systemClock, WRITTEN)
    const from = { requests: requests().length, at }
    await new Promise((resolve) => setTimeout(resolve, IDLE))
    const asked = new Set(requests().slice(from.requests))
    const { items } = JSON.parse(await idle.kubectl('get', 'sipprobes', '--output', 'json')) as { items: Called[] }
    const notDue = items.filter(({ status }) => status.lastExecution.finishedAt < from.at)
    expect(notDue.length).toBeGreaterThan(MANY / 2)
    expect(notDue.filter(({ metadata }) => asked.has(metadata.name))).toEqual([])
  }, 600_000)

  test('an execution that changes nothing but figures costs one write', async () => {
    const steady = await namespaceOf(kube, 'steady')
    await steady.apply(withoutAccount() + probe('echo', 'pbx'))
    await steady.becomes('sipprobe', 'echo', 'Healthy', { status: 'True' })
    const executions = () => executionsIn('steady')
    await steady.becomes('sipregistrar', 'pbx', 'Ready', { status: 'True' })
    const executed = await executions()
    const written = statusWrites('steady').length
    await eventually(async () => expect(await executions()).toBeGreaterThanOrEqual(executed + 3))
    // An execution is counted after it is written.
    await eventually(async () => {
      const writes = statusWrites('steady').length - written
      expect(writes).toBeLessThanOrEqual((await executions()) - executed)
    })
  }, 600_000)

  test('a Secret that is missing, malformed or changed is named; when it is right the probe calls', async () => {
    const it = await namespaceOf(kube, 'secret')
    const check = 'check: Register, schedule: { interval: 10s }'
    const list = (text: string) => it.apply(secret('accounts', { list: text }))
    await it.apply(registrar('pbx', `port: ${target.port}, accountsRef: { name: accounts, key: list }`))
    await it.apply(probe('line', 'pbx', check))
    await it.becomes('sipprobe', 'line', 'Ready', { status: 'False', reason: 'SecretMissing' })
    await it.becomes('sipregistrar', 'pbx', 'Ready', { status: 'False', reason: 'SecretMissing' })
    await it.apply(secret('accounts', { other: 'x' }))
    await it.becomes('sipprobe', 'line', 'Ready', { status: 'False', reason: 'SecretKeyMissing' })
    await list('alice,pw-alice\nhunter2')
    await it.becomes('sipprobe', 'line', 'Ready', {
      reason: 'RegistrarNotReady',
      message: expect.stringContaining('Line 2'),
    })
    await it.becomes('sipregistrar', 'pbx', 'Ready', { status: 'False', reason: 'InvalidAccounts' })
    expect(JSON.stringify(await it.object('sipprobe', 'line'))).not.toContain('hunter2')
    await list('alice,pw-alice')
    await it.becomes('sipprobe', 'line', 'Healthy', { status: 'True' })
    await it.becomes('sipprobe', 'line', 'Ready', { status: 'True', reason: 'Accepted' })
    await it.becomes('sipregistrar', 'pbx', 'Ready', { status: 'True', reason: 'Resolved' })
    await list('alice,another')
    await it.becomes('sipprobe', 'line', 'Healthy', { status: 'False', reason: 'AuthenticationFailed' })
    await it.becomes('sipprobe', 'line', 'Ready', { status: 'True' })
    await list('alice,pw-alice')
    await it.becomes('sipprobe', 'line', 'Healthy', { status: 'True' })
  }, 600_000)

  test('a registrar that is deleted while probes use it leaves them Unknown, and they call when it is back', async () => {
    const it = await namespaceOf(kube, 'registrar')
    const both = ['one', 'two']
    await it.apply(withoutAccount() + both.map((name) => probe(name, 'pbx')).join(''))
    for (const name of both) await it.becomes('sipprobe', name, 'Healthy', { status: 'True' })
    const last = async () => (await it.object('sipprobe', 'one')).status?.lastExecution?.id
    const before = await last()
    await it.kubectl('delete', 'sipregistrar', 'pbx')
    for (const name of both) {
      await it.becomes('sipprobe', name, 'Ready', { status: 'False', reason: 'RegistrarMissing' })
      await it.becomes('sipprobe', name, 'Healthy', { status: 'Unknown', reason: 'RegistrarMissing' })
    }
    await it.apply(withoutAccount())
    for (const name of both) await it.becomes('sipprobe', name, 'Healthy', { status: 'True' })
    expect(await last()).not.toBe(before)
  }, 600_000)

  test('two probes of one account take turns', async () => {
    const it = await namespaceOf(kube, 'account')
    const call = `callDuration: 1s, thresholdProfile: None, schedule: { interval: 1m }, account: bob`
    const accounts = 'accounts: [{ username: bob, passwordRef: { name: bob, key: password } }]'
    await it.apply(secret('bob', { password: 'pw-bob' }) + registrar('pbx', `port: ${target.port}, ${accounts}`))
    const both = ['one', 'two'].map((name) => probe(name, 'pbx', call).replace('sip:echo@', 'sip:silence@'))
    await it.apply(both.join(''))
    const calls = async () => {
      const record = await readFile(join(folder, 'record'), 'utf8')
      return record
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as RecordLine)
        .flatMap((line) => ('event' in line && line.user === 'silence' ? [line] : []))
    }
    const ended = async () => (await calls()).filter(({ event }) => event === 'CallEnded').length
    await eventually(async () => expect(await ended()).toBeGreaterThanOrEqual(2))
    await it.kubectl('annotate', 'sipprobes', '--all', 'ringcheck.dev/run-now=again')
    await eventually(async () => expect(await ended()).toBeGreaterThanOrEqual(4))
    const inOrder = (await calls()).toSorted((one, other) => one.monotonic - other.monotonic)
    expect(inOrder.map(({ event }) => event)).toEqual(
      inOrder.map((_, index) => (index % 2 === 0 ? 'CallStarted' : 'CallEnded')),
    )
    for (const name of ['one', 'two']) await it.becomes('sipprobe', name, 'Ready', { status: 'True' })
  }, 600_000)

  test('a namespace that is deleted takes its probes with it, and one of the same name begins anew', async () => {
    const it = await namespaceOf(kube, 'leaving')
    await it.apply(withoutAccount() + probe('line', 'pbx'))
    await it.becomes('sipprobe', 'line', 'Healthy', { status: 'True' })
    await kube.kubectl('delete', 'namespace', 'leaving', '--wait=false')
    // Nothing can be made there any more, such as an Event.
    await expect(it.apply(secret('late', {}))).rejects.toThrow('being terminated')
    await it.kubectl('annotate', 'sipprobe', 'line', 'ringcheck.dev/run-now=late')
    await eventually(async () => expect(await executionsIn('leaving')).toBeGreaterThan(1))
    // No controller of namespaces runs here: the test does what it would do.
    await it.kubectl('delete', 'sipprobes,sipregistrars,events', '--all')
    const empty = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'leaving' }, spec: { finalizers: [] } }
    await kube.kubectl.with(
      JSON.stringify(empty),
      'replace',
      '--raw',
      '/api/v1/namespaces/leaving/finalize',
      '--filename',
      '-',
    )
    await eventually(async () => expect(await operator.metrics()).not.toContain('namespace="leaving"'))
    const next = await namespaceOf(kube, 'leaving')
    await next.apply(withoutAccount() + probe('line', 'pbx'))
    await next.becomes('sipprobe', 'line', 'Healthy', { status: 'True' })
  }, 600_000)

  test('a probe with the longest allowed everything is called, and its status is written', async () => {
    const it = await namespaceOf(kube, 'n'.repeat(63))
    const name = 'p'.repeat(253)
    await it.apply(`${withoutAccount()}---\n${JSON.stringify(longest(name))}`)
    await it.becomes('sipprobe', name, 'Healthy', { status: 'True' })
    await it.becomes('sipprobe', name, 'Ready', { status: 'False', reason: 'NoAgent' })
    expect(await it.object('sipprobe', name)).toMatchObject({
      status: {
        lastRunNow: 'n'.repeat(256),
        locations: expect.arrayContaining([{ name: 'default', level: 'Healthy' }]),
      },
    })
  }, 600_000)
})

/** Nineteen of its locations are not there. */
function longest(name: string): object {
  const fill = (length: number, start: string) => start.padEnd(length, 'x')
  const times = <Item>(count: number, item: (index: number) => Item) =>
    Array.from({ length: count }, (_, index) => item(index))
  const bounds = { optionsTime: { warning: 5000.123456789, critical: 9000.123456789 } }
  return {
    apiVersion: 'ringcheck.dev/v1alpha1',
    kind: 'SipProbe',
    metadata: {
      name,
      labels: Object.fromEntries(times(50, (index) => [fill(63, `l${index}`), fill(63, 'v')])),
      annotations: { 'ringcheck.dev/run-now': 'n'.repeat(1000), note: fill(200_000, 'n') },
    },
    spec: {
      displayName: '\u{1F4DE}'.repeat(50),
      registrarRef: { name: 'pbx' },
      target: fill(512, 'sip:echo@127.0.0.1;note='),
      check: 'Options',
      schedule: { interval: '24h' },
      thresholds: bounds,
      failureThreshold: 10,
      successThreshold: 1,
      webhooks: times(10, (index) => ({
        name: fill(63, `w${index}`),
        url: fill(2048, 'https://127.0.0.1/'),
        secretRef: { name: fill(253, 's'), key: fill(253, 'k') },
      })),
      locations: times(20, (index) =>
        index === 0 ? { name: 'default' } : { name: fill(63, `l${index}`), thresholds: bounds },
      ),
      quorum: 20,
      maintenance: times(50, () => ({
        cron: '0 0 1 1 *',
        duration: '168h',
        timeZone: 'America/Argentina/ComodRivadavia',
      })),
    },
  }
}
