/** The operator as a pod runs it, on a real API server: a probe is called, its status written, and of two replicas one leads. */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { runIn } from '../../cli/terminal.fixture.ts'
import type { SipProbeStatus } from '../../crds/index.ts'
import { freePort } from '../lab/ports.ts'
import { start, temporaryFolder } from '../lab/process.ts'
import type { Cluster } from './cluster.ts'
import { startCluster } from './cluster.ts'
import { gateOf } from './gate.fixture.ts'
import type { OperatorAccount } from './operator-account.ts'
import { operatorAccount } from './operator-account.ts'
import type { RunningOperator } from './ringcheck-operator.ts'
import { ringcheckOperator } from './ringcheck-operator.ts'

const ROOT = join(import.meta.dirname, '../..')

let kube: Cluster
let account: OperatorAccount
beforeAll(async () => {
  kube = await startCluster({ level: 'api', audit: true })
  await kube.installCrds()
  account = await operatorAccount(kube, { authentication: 'Kubernetes' })
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

/** For a busy machine. */
const POLL = { timeout: 120_000, interval: 500 }

const statusOf = async (name: string): Promise<SipProbeStatus | undefined> =>
  JSON.parse(await kube.kubectl('get', 'sipprobe', name, '--output', 'json')).status
const leads = (metrics: string) => /^ringcheck_operator_leader (\d)$/m.exec(metrics)?.[1]
const lease = async () => JSON.parse(await kube.kubectl('get', 'lease', 'ringcheck', '--output', 'json')).spec
const finished = async (name: string) => (await statusOf(name))?.lastExecution?.finishedAt

const Hook = z.object({
  spec: z.object({
    template: z.object({
      spec: z.object({
        containers: z.tuple([
          z.object({ args: z.array(z.string()), env: z.array(z.object({ name: z.string(), value: z.string() })) }),
        ]),
      }),
    }),
  }),
})

/** What the example of a hook of Argo CD runs, of the probe `one`; its token is in a file, as a pod has it. */
async function asHook(operator: RunningOperator, token: string) {
  const hook = Hook.parse(parse(readFileSync(join(ROOT, 'config/gates/argocd-postsync.yaml'), 'utf8')))
  const [{ args, env }] = hook.spec.template.spec.containers
  using folder = temporaryFolder('hook')
  const file = join(folder.path, 'token')
  writeFileSync(file, `${token}\n`)
  const here: Readonly<Record<string, string>> = { RINGCHECK_URL: operator.url, RINGCHECK_TOKEN_FILE: file }
  const environment = Object.fromEntries(env.map(({ name, value }) => [name, here[name] ?? value]))
  const words = args.map((word) => word.replace('head-office', 'one').replace('sales', 'default'))
  return await runIn(environment, ...words)
}

/** Asks the API for the probe `one` by tokens of the guide's CI job, and by others. */
async function asksByTokens(operator: RunningOperator): Promise<void> {
  await using gate = await gateOf(kube, 'default')
  const ask = async (path: string, token?: string) => {
    const headers = { ...(token !== undefined && { authorization: `Bearer ${token}` }) }
    const response = await fetch(`${operator.url}/api/v1${path}`, { headers })
    const { error } = (await response.json()) as { error?: { code: string; message: string } }
    return error ? `${response.status} ${error.code}: ${error.message}` : response.status
  }
  const one = '/projects/default/probes/one'
  const name = 'system:serviceaccount:default:gate'
  const token = await gate.token('ringcheck')
  for (const path of [one, `${one}/executions`, '/projects/default/probes']) expect(await ask(path, token)).toBe(200)
  for (const [path, right] of [
    ['/projects', 'list sipprobes in all namespaces'],
    ['/deliveries', 'list sipprobes in all namespaces'],
    ['/projects/default/registrars', 'list sipregistrars in this namespace'],
    ['/projects/kube-system/probes', 'list sipprobes in this namespace'],
  ] as const)
    expect(await ask(path, token)).toBe(`403 Forbidden: ${name} may not ${right}.`)
  for (const wrong of [undefined, await gate.token(), await gate.token('vault'), `${token}x`])
    expect(await ask(one, wrong)).toMatch(/^401 Unauthorized/)
  // The command line takes the same token, and a right to start is none to write whom a probe calls.
  const environment = { RINGCHECK_URL: operator.url, RINGCHECK_TOKEN: token }
  expect(await asHook(operator, token)).toMatchObject({ code: 0, out: expect.stringMatching(/^Healthy: /) })
  expect(await runIn(environment, 'get', 'probe', 'one')).toMatchObject({
    out: expect.stringMatching(/^one /m),
    err: '',
  })
  const write = kube.kubectl('annotate', 'sipprobe', 'one', 'by=gate', `--as=${name}`)
  await expect(write).rejects.toThrow('cannot patch resource')
  expect(operator.log()).toContain(name)
  expect(operator.log()).not.toContain(token)
}

test('a probe is called and its status written, once for each execution; its events are told, and RBAC says to whom', async () => {
  using folder = temporaryFolder('operator')
  await using target = await responder(folder.path)
  const config = { authentication: 'Kubernetes' }
  await using operator = await ringcheckOperator({
    ...{ folder: folder.path, kubeconfig: account.kubeconfig, name: 'alone', config },
  })
  await kube.kubectl.with(manifests(target.port, 'one'), 'apply', '--filename', '-')
  await kube.kubectl('wait', '--for=condition=Healthy', 'sipprobe/one', '--timeout=120s')
  await kube.kubectl('wait', '--for=condition=Ready', 'sipregistrar/pbx-one', '--timeout=120s')
  const writes = () =>
    kube.audit().filter(({ objectRef }) => objectRef?.subresource === 'status' && objectRef.name === 'one').length
  const executions = async () =>
    Number(
      /^ringcheck_probe_executions_total\{[^}]*probe="one"[^}]*outcome="Success"[^}]*\} (\d+)$/m.exec(
        await operator.metrics(),
      )?.[1],
    )
  const executed = await executions()
  const written = writes()
  await expect.poll(executions, POLL).toBeGreaterThan(executed + 1)
  // An execution is counted after it is written.
  const unpaid = async () => {
    const more = writes() - written
    return more - ((await executions()) - executed)
  }
  await expect.poll(unpaid, POLL).toBeLessThanOrEqual(0)
  // One of each transition: a busy machine makes more of them.
  const events = async () => {
    const sequence = (await statusOf('one'))?.sequence
    const { items } = JSON.parse(await kube.kubectl('get', 'events.events.k8s.io', '--output', 'json'))
    return { sequence, events: items.length }
  }
  await expect.poll(events, POLL).toSatisfy(({ sequence, events }) => sequence >= 1 && events === sequence)
  expect(leads(await operator.metrics())).toBe('1')
  await asksByTokens(operator)
  process.kill(operator.pid, 'SIGTERM')
  const { code } = await operator.ended
  expect(code).toBe(0)
  expect((await lease()).holderIdentity).toBe('')
  await kube.kubectl('delete', 'sipprobe', 'one')
}, 600_000)

test('a leader that is stopped is followed by another, and does nothing more when it wakes up', async () => {
  using folder = temporaryFolder('operators')
  await using target = await responder(folder.path)
  const replica = (name: string, config = {}) =>
    ringcheckOperator({ folder: folder.path, kubeconfig: account.kubeconfig, name, config })
  const hash = createHash('sha256').update('key-for-reading').digest('hex')
  writeFileSync(join(folder.path, 'read'), `${hash}  -\n`)
  await using first = await replica('first', { authentication: 'Keys', keys: folder.path })
  const projects = async (key: string) =>
    (await fetch(`${first.url}/api/v1/projects`, { headers: { authorization: `Bearer ${key}` } })).status
  expect([await projects('key-for-reading'), await projects(hash)]).toEqual([200, 401])
  await expect.poll(async () => leads(await first.metrics()), POLL).toBe('1')
  const { leaseTransitions } = await lease()
  await using second = await replica('second')
  expect(leads(await second.metrics())).toBe('0')
  await kube.kubectl.with(manifests(target.port, 'two'), 'apply', '--filename', '-')
  await kube.kubectl('wait', '--for=condition=Healthy', 'sipprobe/two', '--timeout=120s')

  process.kill(first.pid, 'SIGSTOP')
  await expect.poll(async () => leads(await second.metrics()), POLL).toBe('1')
  const called = await finished('two')
  await expect.poll(() => finished('two'), POLL).not.toBe(called)
  process.kill(first.pid, 'SIGCONT')
  await expect.poll(async () => leads(await first.metrics()), POLL).toBe('0')
  expect(first.log()).toContain('this replica no longer leads')
  expect((await lease()).holderIdentity).toBe('second')
  expect((await lease()).leaseTransitions).toBeGreaterThan(leaseTransitions)
  // The one that slept through several slots owes them no more.
  await expect.poll(() => first.metrics(), POLL).not.toMatch(/^ringcheck_probe_executions_total/m)
}, 600_000)
