/** The operator as a pod runs it, on a real API server: a probe is called, its status written, and of two replicas one leads. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SipProbeStatus } from '../../crds/index.ts'
import { freePort } from '../lab/ports.ts'
import { start, temporaryFolder } from '../lab/process.ts'
import type { Cluster } from './cluster.ts'
import { startCluster } from './cluster.ts'
import { ringcheckOperator } from './ringcheck-operator.ts'

const ROOT = join(import.meta.dirname, '../..')

let kube: Cluster
beforeAll(async () => {
  kube = await startCluster({ level: 'api', audit: true })
  await kube.installCrds()
})
afterAll(() => kube[Symbol.asyncDispose]())

async function responder(folder: string) {
  const port = await freePort()
  const record = join(folder, 'record.jsonl')
  const child = await start({
    command: process.execPath,
    name: 'responder',
    arguments: [join(ROOT, 'cli/main.ts'), 'respond', '--listen', `127.0.0.1:${port}`, '--record', record],
    folder,
    ready: (log) => log.includes('responder on'),
    readyWithin: 60_000,
  })
  return { port, record: () => readFileSync(record, 'utf8'), [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() }
}

const manifests = (port: number, name: string) => `
apiVersion: ringcheck.dev/v1alpha1
kind: SipRegistrar
metadata: { name: pbx-${name} }
spec: { domain: 127.0.0.1, port: ${port}, register: false }
---
apiVersion: ringcheck.dev/v1alpha1
kind: SipProbe
metadata: { name: ${name} }
spec:
  registrarRef: { name: pbx-${name} }
  target: sip:echo@127.0.0.1
  check: Options
  thresholds: { optionsTime: { warning: 5000, critical: 9000 } }
  schedule: { interval: 10s }
`

const statusOf = async (name: string): Promise<SipProbeStatus | undefined> =>
  JSON.parse(await kube.kubectl('get', 'sipprobe', name, '--output', 'json')).status
const leads = (metrics: string) => /^ringcheck_operator_leader (\d)$/m.exec(metrics)?.[1]
const lease = async () => JSON.parse(await kube.kubectl('get', 'lease', 'ringcheck', '--output', 'json')).spec
const finished = async (name: string) => (await statusOf(name))?.lastExecution?.finishedAt

test('a probe is called and its status written, once for each execution; its events are told', async () => {
  using folder = temporaryFolder('operator')
  await using target = await responder(folder.path)
  await using operator = await ringcheckOperator({ folder: folder.path, kubeconfig: kube.kubeconfig, name: 'alone' })
  await kube.kubectl.with(manifests(target.port, 'one'), 'apply', '--filename', '-')
  await kube.kubectl('wait', '--for=condition=Healthy', 'sipprobe/one', '--timeout=60s')
  await kube.kubectl('wait', '--for=condition=Ready', 'sipregistrar/pbx-one', '--timeout=60s')
  const writes = () =>
    kube.audit().filter(({ objectRef }) => objectRef?.subresource === 'status' && objectRef.name === 'one').length
  const executions = async () =>
    Number(
      /^ringcheck_probe_executions_total\{[^}]*probe="one"[^}]*outcome="Success"[^}]*\} (\d+)$/m.exec(
        await operator.metrics(),
      )?.[1],
    )
  const before = { writes: writes(), executions: await executions() }
  await expect.poll(executions, { timeout: 60_000, interval: 500 }).toBeGreaterThan(before.executions + 1)
  expect(writes() - before.writes).toBeLessThanOrEqual((await executions()) - before.executions)
  const { items } = JSON.parse(await kube.kubectl('get', 'events.events.k8s.io', '--output', 'json'))
  expect(items).toHaveLength(1)
  expect(leads(await operator.metrics())).toBe('1')
  const { code } = await operator.stop()
  expect(code).toBe(0)
  expect((await lease()).holderIdentity).toBe('')
  await kube.kubectl('delete', 'sipprobe', 'one')
}, 300_000)

test('a leader that is stopped is followed by another, and does nothing more when it wakes up', async () => {
  using folder = temporaryFolder('operators')
  await using target = await responder(folder.path)
  const replica = (name: string) => ringcheckOperator({ folder: folder.path, kubeconfig: kube.kubeconfig, name })
  await using first = await replica('first')
  await expect.poll(async () => leads(await first.metrics()), { timeout: 60_000 }).toBe('1')
  const { leaseTransitions } = await lease()
  await using second = await replica('second')
  expect(leads(await second.metrics())).toBe('0')
  await kube.kubectl.with(manifests(target.port, 'two'), 'apply', '--filename', '-')
  await kube.kubectl('wait', '--for=condition=Healthy', 'sipprobe/two', '--timeout=60s')

  process.kill(first.pid, 'SIGSTOP')
  await expect.poll(async () => leads(await second.metrics()), { timeout: 60_000, interval: 500 }).toBe('1')
  const called = await finished('two')
  await expect.poll(() => finished('two'), { timeout: 60_000, interval: 500 }).not.toBe(called)
  process.kill(first.pid, 'SIGCONT')
  await expect.poll(async () => leads(await first.metrics()), { timeout: 30_000, interval: 100 }).toBe('0')
  expect(first.log()).toContain('this replica no longer leads')
  expect((await lease()).holderIdentity).toBe('second')
  expect((await lease()).leaseTransitions).toBeGreaterThan(leaseTransitions)
  // The one that slept through several slots owes them no more.
  const started = /^ringcheck_probe_executions_total/m
  expect(started.test(await first.metrics())).toBe(false)
}, 300_000)
