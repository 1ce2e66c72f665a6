/** What a node does to agents: their image is not there, there is no room, it is drained, their namespace goes. The probes say why, and call again by themselves. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Responder } from '../../agent/respond/index.ts'
import { temporaryFolder } from '../lab/process.ts'
import type { NodeCluster } from './cluster.ts'
import { startCluster } from './cluster.ts'
import { callee, eventually, namespaceOf, OFTEN, probe, registrar } from './faults.fixture.ts'
import { PRODUCT_IMAGE, writeProductImage } from './product-image.ts'
import { operatorAccount } from './operator-account.ts'
import type { RunningOperator } from './ringcheck-operator.ts'
import { ringcheckOperator } from './ringcheck-operator.ts'

describe('agents', () => {
  const stack = new AsyncDisposableStack()
  let cluster: NodeCluster
  let target: Responder
  let operator: RunningOperator
  let folder: string

  beforeAll(async () => {
    folder = stack.use(temporaryFolder('faults')).path
    cluster = stack.use(await startCluster({ level: 'node' }))
    await cluster.installCrds()
    target = stack.use(await callee(cluster.hostAddress))
    const environment = { RINGCHECK_IMAGE: PRODUCT_IMAGE }
    const { kubeconfig } = await operatorAccount(cluster)
    operator = stack.use(await ringcheckOperator({ folder, kubeconfig, name: 'operator', environment }))
  })
  afterAll(() => stack.disposeAsync())

  async function declared(namespace: string) {
    const it = await namespaceOf(cluster, namespace)
    const host = cluster.hostAddress
    await it.apply(registrar('pbx', `port: ${target.port}, register: false`, host) + probe('line', 'pbx', OFTEN, host))
    return {
      ...it,
      lastExecution: async () => (await it.object('sipprobe', 'line')).status?.lastExecution?.id,
      calls: () => it.becomes('sipprobe', 'line', 'Healthy', { status: 'True' }),
      says: (reason: string) =>
        it.becomes('sipprobe', 'line', 'Ready', {
          status: 'False',
          reason: 'NoAgent',
          message: expect.stringContaining(reason),
        }),
    }
  }

  test('whose image is not there start when it is', async () => {
    const it = await declared('image')
    await it.says('Image')
    expect(await it.lastExecution()).toBeUndefined()
    const archive = join(folder, 'ringcheck.tar')
    writeProductImage(archive)
    await cluster.load(archive)
    await it.calls()
    await it.becomes('sipprobe', 'line', 'Ready', { status: 'True' })
  }, 600_000)

  test('for which there is no room start when there is', async () => {
    const cores = await cluster.kubectl('get', 'nodes', '--output', 'jsonpath={.items[0].status.allocatable.cpu}')
    const cpu = `${Number(cores) * 1000 - 150}m`
    const other = await namespaceOf(cluster, 'other')
    await other.apply(`
apiVersion: v1
kind: Pod
metadata: { name: large }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - { name: main, image: '${PRODUCT_IMAGE}', args: [respond], resources: { requests: { cpu: ${cpu} } } }
`)
    await other.kubectl('wait', '--for=condition=Ready', 'pod/large', '--timeout=180s')
    const it = await declared('room')
    await it.says('Insufficient cpu')
    expect(await it.lastExecution()).toBeUndefined()
    await other.kubectl('delete', 'pod', 'large')
    await it.calls()
  }, 600_000)

  test('of a node that is drained are gone, and are back when it takes pods again', async () => {
    const it = await declared('drained')
    await it.calls()
    const before = await it.lastExecution()
    const [node = ''] = (await cluster.kubectl('get', 'nodes', '--output', 'name')).trim().split('\n')
    await cluster.kubectl('drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--force', '--timeout=180s')
    await it.says('unschedulable')
    await it.becomes('sipprobe', 'line', 'Healthy', { status: 'Unknown', reason: 'NoAgent' })
    await cluster.kubectl('uncordon', node)
    await it.calls()
    expect(await it.lastExecution()).not.toBe(before)
    await it.becomes('sipprobe', 'line', 'Ready', { status: 'True' })
  }, 600_000)

  test('go with their namespace, and stand again in one of the same name', async () => {
    const it = await declared('leaving')
    await it.calls()
    const before = await it.lastExecution()
    await cluster.kubectl('delete', 'namespace', 'leaving', '--timeout=180s')
    await eventually(async () => expect(await operator.metrics()).not.toContain('namespace="leaving"'))
    const again = await declared('leaving')
    await again.calls()
    expect(await again.lastExecution()).not.toBe(before)
  }, 600_000)
})
