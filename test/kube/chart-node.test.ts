/** The chart on a real node: pods that run as they are written, and `helm test`, which makes a real call from one to the other. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../lab/process.ts'
import type { NodeCluster } from './cluster.ts'
import { startCluster } from './cluster.ts'
import type { Helm } from './helm.ts'
import { CHART, openHelm } from './helm.ts'
import { PRODUCT_IMAGE, writeProductImage } from './product-image.ts'

const stack = new AsyncDisposableStack()
let cluster: NodeCluster
let helm: Helm

beforeAll(async () => {
  cluster = stack.use(await startCluster({ level: 'node' }))
  helm = stack.use(await openHelm(cluster.kubeconfig))
  const archive = join(stack.use(temporaryFolder('images')).path, 'ringcheck.tar')
  writeProductImage(archive)
  await cluster.load(archive)
  await cluster.kubectl('create', 'namespace', 'ringcheck')
  await cluster.kubectl('label', 'namespace', 'ringcheck', 'pod-security.kubernetes.io/enforce=restricted')
})
afterAll(() => stack.disposeAsync())

const [repository = '', tag = ''] = PRODUCT_IMAGE.split(/:(?=[^:]*$)/)
const image = `image.repository=${repository},image.tag=${tag},image.pullPolicy=Never`
const release = ['ringcheck', '--namespace=ringcheck']

describe('helm test', () => {
  // Of the chart only the responder: no operator runs.
  const responder = `--set=${image},responder.enabled=true,replicas=0,history.volume.existingClaim=none`
  const scale = (replicas: number) =>
    cluster.kubectl('scale', 'deployment/ringcheck-responder', '--namespace=ringcheck', `--replicas=${replicas}`)
  const call = () => helm.run('test', ...release, '--logs', '--timeout=90s')

  test('fails when nobody answers, and shows why', async () => {
    await helm.run('install', ...release, CHART, '--wait', '--timeout=90s', responder)
    await scale(0)
    const gone = ['wait', '--for=delete', 'pod', '--selector=app.kubernetes.io/component=responder', '--timeout=60s']
    await cluster.kubectl(...gone, '--namespace=ringcheck')
    await expect(call()).rejects.toThrow('Unhealthy')
  })

  test('calls the responder, and shows the call', async () => {
    await scale(1)
    await cluster.kubectl(
      'rollout',
      'status',
      'deployment/ringcheck-responder',
      '--namespace=ringcheck',
      '--timeout=90s',
    )
    // A machine that is too busy to measure makes an Unknown of it, which is no matter of the chart.
    const until = performance.now() + 90_000
    let said = await call().catch(String)
    while (said.includes('AgentSaturated') && performance.now() < until) said = await call().catch(String)
    expect(said).toMatch(/Phase:\s+Succeeded/)
    expect(said).toContain('Healthy: WithinThresholds.')
  })

  test('leaves nothing that an uninstall does not take away', async () => {
    await helm.run('uninstall', ...release, '--wait', '--timeout=90s')
    await cluster.kubectl('wait', '--for=delete', 'pods', '--all', '--namespace=ringcheck', '--timeout=60s')
    const all = 'pods,deployments,services,secrets,configmaps,networkpolicies,roles,rolebindings,serviceaccounts'
    const left = await cluster.kubectl('get', all, '--namespace=ringcheck', '--output=name')
    expect(left.split('\n').filter((name) => name.includes('ringcheck'))).toEqual([])
  })
})
