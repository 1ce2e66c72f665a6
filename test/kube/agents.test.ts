import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Runs, startServer } from '../../agent/api/index.ts'
import { planOf } from '../../agent/api/plans.fixture.ts'
import type { RunPlan } from '../../agent/index.ts'
import type { Peer } from '../../agent/run/peer.fixture.ts'
import { createPeer } from '../../agent/run/peer.fixture.ts'
import type { Call } from '../../agent/sip/index.ts'
import { run } from '../../cli/terminal.fixture.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import type { Agents } from '../../operator/agents/agents.ts'
import {
  AGENTS,
  AUTHORITY_SECRET,
  Trust,
  locations,
  startKubernetesAgents,
} from '../../operator/agents/kubernetes/index.ts'
import type { KubernetesAgentsOptions } from '../../operator/agents/kubernetes/index.ts'
import {
  loadKubeConfig,
  openKubeClient,
  openKubernetesCluster,
  openWorkloads,
} from '../../operator/cluster/kubernetes/index.ts'
import type { KubernetesCluster } from '../../operator/cluster/kubernetes/index.ts'
import type { Workloads } from '../../operator/cluster/workloads.ts'
import { freePort } from '../lab/ports.ts'
import { temporaryFolder } from '../lab/process.ts'
import type { Cluster } from './cluster.ts'
import { startCluster } from './cluster.ts'

const ENTRY = join(import.meta.dirname, '../../cli/main.ts')
const AUTHORITY = { namespace: 'ringcheck', name: AUTHORITY_SECRET }
const common = { clock: systemClock, random: systemRandom, log: createLog({ name: 'test', level: 'silent' }) }
const never = new AbortController().signal

let kube: Cluster
let stack: AsyncDisposableStack
let workloads: Workloads
let cluster: KubernetesCluster

beforeAll(async () => {
  kube = await startCluster({ level: 'api' })
  await kube.installCrds()
  await kube.kubectl('create', 'namespace', AUTHORITY.namespace)
  await kube.kubectl.with(registrar('default'), 'apply', '--filename', '-')
})
afterAll(() => kube[Symbol.asyncDispose]())

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  const config = loadKubeConfig(kube.kubeconfig)
  const client = stack.use(await openKubeClient({ config, connections: 8, timeout: 10_000 }))
  workloads = stack.use(openWorkloads({ ...common, client, labels: AGENTS, onWatchRestart: () => {} }))
  cluster = stack.use(await openKubernetesCluster({ ...common, config, instance: 'test', onWatchRestart: () => {} }))
  await Promise.all([workloads.listed, cluster.listed])
})
afterEach(async () => {
  await stack.disposeAsync()
  await kube.kubectl('delete', 'sipprobes', '--all', '--all-namespaces')
})

const registrar = (namespace: string) => `
apiVersion: ringcheck.dev/v1alpha1
kind: SipRegistrar
metadata: { name: pbx, namespace: ${namespace} }
spec: { domain: 127.0.0.1, register: false }
`

const probe = (name: string) => `---
apiVersion: ringcheck.dev/v1alpha1
kind: SipProbe
metadata: { name: ${name}, namespace: default }
spec:
  registrarRef: { name: pbx }
  target: sip:echo@127.0.0.1
`

async function agentsOf(epoch: number, given: Partial<KubernetesAgentsOptions> = {}): Promise<Agents> {
  return stack.use(
    await startKubernetesAgents({
      ...{ ...common, cluster, workloads, authority: AUTHORITY },
      locations: locations.parse(undefined),
      image: { image: 'localhost/ringcheck:test', imagePullPolicy: 'Never' },
      operator: { namespace: AUTHORITY.namespace, labels: { 'app.kubernetes.io/component': 'operator' } },
      term: { epoch, holds: () => true },
      ...given,
    }),
  )
}

async function until(question: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await question())) await new Promise((resolve) => setTimeout(resolve, 50))
}

async function objects(...words: string[]): Promise<string[]> {
  const names = await kube.kubectl('get', 'deployments,networkpolicies,secrets', '--output', 'name', ...words)
  return names.split('\n').filter((name) => name.includes('ringcheck-agent-'))
}

describe('agents of a namespace at a location', () => {
  test('are there while a probe needs them, and gone afterwards', async () => {
    const agents = await agentsOf(1)
    expect(await objects()).toEqual([])
    expect(agents.strength()).toEqual([{ location: 'default', wanted: 0, ready: 0 }])
    await kube.kubectl.with(probe('one') + probe('two'), 'apply', '--filename', '-')
    await until(async () => (await objects()).length === 3)
    expect(await objects()).toEqual([
      'deployment.apps/ringcheck-agent-default',
      'networkpolicy.networking.k8s.io/ringcheck-agent-default',
      'secret/ringcheck-agent-default',
    ])
    const deployment = JSON.parse(
      await kube.kubectl('get', 'deployment/ringcheck-agent-default', '--output', 'json', '--show-managed-fields'),
    )
    expect(deployment.spec.replicas).toBe(1)
    await until(() => agents.strength().some(({ wanted, ready }) => wanted === 1 && ready === 0))
    expect(deployment.metadata.managedFields.map(({ manager }: { manager: string }) => manager)).toEqual(['ringcheck'])

    await kube.kubectl('delete', 'sipprobe/one')
    await kube.kubectl.with(probe('two').replace('spec:', 'spec:\n  suspend: true'), 'apply', '--filename', '-')
    await until(async () => (await objects()).length === 0)
  })

  test('come back when somebody deletes them, and go when their last probe went while nobody looked', async () => {
    {
      await using agents = await agentsOf(2)
      await kube.kubectl.with(probe('one'), 'apply', '--filename', '-')
      await until(async () => (await objects()).length === 3)
      await kube.kubectl('delete', 'deployment/ringcheck-agent-default')
      await until(async () => (await objects()).length === 3)
      await agents[Symbol.asyncDispose]()
    }
    await kube.kubectl('delete', 'sipprobe/one')
    expect(await objects()).toHaveLength(3)
    await agentsOf(3)
    await until(async () => (await objects()).length === 0)
  })

  test('that cannot start are not ready, with the reason that Kubernetes gives', async () => {
    const agents = await agentsOf(4)
    const group = { namespace: 'default', location: 'default' }
    expect(agents.readiness(group)).toEqual({
      kind: 'NotReady',
      message: 'The agents of the location default are being started.',
    })
    const told = new Promise((resolve) => stack.use(agents.onChange(resolve)))
    // No kubelet runs here: the test says what one would say.
    const labels = { ...AGENTS, 'ringcheck.dev/location': 'default' }
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'agent', namespace: 'default', labels },
      spec: { containers: [{ name: 'agent', image: 'localhost/ringcheck:test' }] },
    }
    await kube.kubectl.with(JSON.stringify(pod), 'apply', '--filename', '-')
    const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image "localhost/ringcheck:test"' }
    const container = { name: 'agent', image: 'a', imageID: '', ready: false, restartCount: 0, state: { waiting } }
    const status = { status: { phase: 'Pending', containerStatuses: [container] } }
    await kube.kubectl('patch', 'pod/agent', '--subresource=status', '--patch', JSON.stringify(status))
    expect(await told).toEqual(group)
    // The pod itself may be told before its status.
    await expect
      .poll(() => agents.readiness(group), { timeout: 60_000 })
      .toEqual({
        kind: 'NotReady',
        message:
          'No agent of the location default is ready: ImagePullBackOff: Back-off pulling image "localhost/ringcheck:test"',
      })
    await kube.kubectl('delete', 'pod/agent', '--grace-period=0', '--force')
    await until(() => {
      const readiness = agents.readiness(group)
      return readiness.kind === 'NotReady' && readiness.message.includes('being started')
    })
  })
})

/** No kubelet runs here: the pod is what a test says of it, its process is in this one. */
async function podAt(ip: string): Promise<void> {
  const labels = { ...AGENTS, 'ringcheck.dev/location': 'default' }
  const metadata = { name: 'agent', namespace: 'default', labels }
  const spec = { containers: [{ name: 'agent', image: 'localhost/ringcheck:test' }] }
  const pod = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec })
  await kube.kubectl.with(pod, 'apply', '--filename', '-')
  const conditions = [{ type: 'Ready', status: 'True' }]
  const status = JSON.stringify({ status: { phase: 'Running', podIP: ip, conditions } })
  await kube.kubectl('patch', 'pod/agent', '--subresource=status', '--patch', status)
  stack.defer(() => kube.kubectl('delete', 'pod/agent', '--grace-period=0', '--force').then(() => undefined))
}

describe('agents in pods', () => {
  test('are believed what they have begun for their own namespace, and nothing about another', async () => {
    const trust = await Trust.renewed({ ...common, workloads, secret: AUTHORITY })
    const data = await trust.enroll(['default.default.agent.ringcheck.internal'])
    const [key = '', certificate = '', ca = ''] = [data['tls.key'], data['tls.crt'], data['ca.crt']]
    const endless = new Promise<void>(() => {})
    const runs = stack.use(new Runs({ ...common, start: ({ id }) => ({ id, finished: endless, stop: () => {} }) }))
    runs.start(planOf({ id: 'own', epoch: 1 }))
    runs.start(planOf({ id: 'foreign', epoch: 1, namespace: 'other' }))
    const where = { host: '127.77.0.1', port: 8443 }
    stack.use(await startServer({ ...common, ...where, runs, credentials: { key, certificate, ca } }))
    await podAt(where.host)
    const agents = await agentsOf(5)
    await until(() => agents.ready() === 1)
    expect(agents.strength()).toMatchObject([{ location: 'default', ready: 1 }])
    expect(agents.begun({ namespace: 'default', name: 'probe' })).toMatchObject([{ id: 'own' }])
    expect(agents.begun({ namespace: 'other', name: 'probe' })).toEqual([])
  })
})

describe('the authority', () => {
  test('is made once, and kept: two operators that start at once have the same', async () => {
    await kube.kubectl('delete', `secret/${AUTHORITY.name}`, '--namespace', AUTHORITY.namespace, '--ignore-not-found')
    const options = { ...common, workloads, secret: AUTHORITY }
    const all = await Promise.all([Trust.renewed(options), Trust.renewed(options), Trust.renewed(options)])
    expect(new Set(all.map(({ ca }) => ca)).size).toBe(1)
    const later = { ...options, clock: { ...systemClock, now: () => systemClock.now() + 2.5 * 365 * 86_400_000 } }
    const rolled = await Trust.renewed(later)
    expect(rolled.ca.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
    expect(rolled.ca).toContain(all[0]?.ca)
  })
})

describe('agents outside of the cluster', () => {
  let peer: Peer
  let answered: PromiseWithResolvers<Call>
  let invites: number
  let folder: string
  let port: number
  let process_: ChildProcess

  beforeEach(async () => {
    peer = stack.use(await createPeer())
    answered = Promise.withResolvers()
    invites = 0
    peer.on('echo', async (incoming) => {
      invites++
      const call = await peer.answer(incoming)
      if (call) answered.resolve(call)
    })
    folder = stack.use(temporaryFolder('agent')).path
    port = await freePort()
    const words = ['--out', folder, '--namespace', AUTHORITY.namespace, '--kubeconfig', kube.kubeconfig]
    await run('agent', 'enroll', '127.0.0.1', ...words)
    process_ = await agentProcess()
  })

  async function agentProcess(): Promise<ChildProcess> {
    const admin = await freePort()
    const flags = ['--tls', folder, '--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${admin}`]
    const child = spawn(process.execPath, [ENTRY, 'agent', ...flags], { stdio: 'ignore' })
    stack.defer(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    })
    await until(() =>
      fetch(`http://127.0.0.1:${admin}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
    return child
  }

  const outside = () => ({ locations: locations.parse({ branch: { agents: [{ url: `https://127.0.0.1:${port}` }] } }) })

  /** Of a slot a little before now, as one that a leader before has begun. */
  function plan(epoch: number, callDuration: number, id = 'execution-1'): RunPlan {
    const base = planOf({ id, epoch, location: 'branch', slot: Date.now() - 1000 })
    const endpoint = { ...base.endpoint, registrar: { ...base.endpoint.registrar, port: peer.port }, callDuration }
    return { ...base, endpoint }
  }

  test('are enrolled, found and given plans, over mutual TLS', async () => {
    const agents = await agentsOf(10, outside())
    expect(agents.readiness({ namespace: 'default', location: 'branch' })).toEqual({ kind: 'Ready' })
    expect(agents.strength()).toContainEqual({ location: 'branch', wanted: 1, ready: 1 })
    expect(await agents.execute(plan(10, 1000), never)).toMatchObject({
      kind: 'Finished',
      result: { outcome: 'Success' },
    })
    agents.stored(['execution-1'])
  })

  test('keep a call through a change of leader: the new one takes it over, the old one is heard no more, nobody is called twice', async () => {
    const old = await agentsOf(20, outside())
    const first = plan(20, 4000)
    const abandoned = old.execute(first, never)
    await answered.promise

    const fresh = await agentsOf(21, outside())
    expect(fresh.begun({ namespace: first.namespace, name: first.name })).toMatchObject([
      { id: first.id, slot: first.slot },
    ])
    // The old one has not noticed: its Lease is gone, and its agents know.
    expect(await old.execute(plan(20, 1000, 'late'), never)).toMatchObject({ kind: 'Refused' })
    const taken = await fresh.execute({ ...first, epoch: 21, thresholds: {} }, never)
    expect(taken).toMatchObject({ kind: 'Finished', result: { outcome: 'Success' } })
    expect(taken.kind === 'Finished' && taken.begunAs).toEqual({
      generation: first.generation,
      thresholds: first.thresholds,
    })
    expect(invites).toBe(1)
    await abandoned

    // Until it is stored, the next leader finds it again.
    const third = await agentsOf(22, outside())
    expect(third.begun({ namespace: first.namespace, name: first.name })).toHaveLength(1)
    third.stored([first.id])
    expect(third.begun({ namespace: first.namespace, name: first.name })).toEqual([])
    await until(async () => (await agentsOf(23, outside())).begun(first).length === 0)
  })

  test('that die in a call are lost with it; what they may have begun is not called again', async () => {
    const old = await agentsOf(30, outside())
    const executing = old.execute(plan(30, 60_000), never)
    await answered.promise
    process_.kill('SIGKILL')
    expect(await executing).toMatchObject({ kind: 'AgentLost' })

    const fresh = await agentsOf(31, outside())
    const group = { namespace: 'default', location: 'branch' }
    expect(fresh.readiness(group)).toMatchObject({ kind: 'NotReady' })
    expect(await fresh.execute(plan(31, 1000, 'before'), never)).toEqual({
      kind: 'AgentLost',
      message: `The agent https://127.0.0.1:${port} may have begun it for the leader before, and does not answer.`,
    })
    await agentProcess()
    await until(() => fresh.readiness(group).kind === 'Ready')
    expect(await fresh.execute(plan(31, 1000, 'after'), never)).toMatchObject({ kind: 'Finished' })
    expect(invites).toBe(2)
  })

  test('are given nothing by whoever does not hold the Lease any more', async () => {
    const agents = await agentsOf(40, { ...outside(), term: { epoch: 40, holds: () => false } })
    expect(await agents.execute(plan(40, 1000), never)).toMatchObject({ kind: 'Finished', result: { stopped: true } })
    expect(invites).toBe(0)
  })
})
