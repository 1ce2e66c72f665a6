/** The product's image in a cluster with a node: pods, a Service, names, a Job. Runs on our own node as on kind. */
import { createServer } from 'node:http'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../lab/process.ts'
import type { NodeCluster } from './cluster.ts'
import { startCluster } from './cluster.ts'
import { PRODUCT_IMAGE, writeProductImage } from './product-image.ts'

const NAMESPACE = `
apiVersion: v1
kind: Namespace
metadata: { name: smoke, labels: { pod-security.kubernetes.io/enforce: restricted } }
`

const POD = {
  automountServiceAccountToken: false,
  securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
}
const CONTAINER = {
  name: 'main',
  image: PRODUCT_IMAGE,
  imagePullPolicy: 'Never',
  securityContext: {
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
  },
}

describe('a cluster with a node', () => {
  const resources = new AsyncDisposableStack()
  let cluster: NodeCluster

  beforeAll(async () => {
    cluster = resources.use(await startCluster({ level: 'node' }))
    const archive = join(resources.use(temporaryFolder('images')).path, 'ringcheck.tar')
    writeProductImage(archive)
    await cluster.load(archive)
    await cluster.kubectl.with(NAMESPACE, 'apply', '--filename', '-')
  })
  afterAll(() => resources.disposeAsync())

  const apply = (...objects: readonly object[]) =>
    cluster.kubectl.with(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }), 'apply', '--filename', '-')
  const smoke = (...words: readonly string[]) => cluster.kubectl('--namespace', 'smoke', ...words)

  test('runs the responder, unprivileged on a read-only root, and a Job that asks it through its Service by name', async () => {
    const labels = { app: 'responder' }
    const readinessProbe = { tcpSocket: { port: 5060 }, periodSeconds: 1 }
    const responder = { ...CONTAINER, args: ['respond', '--listen=0.0.0.0:5060'], readinessProbe }
    const call = { ...CONTAINER, args: ['call', 'sip:echo@responder.smoke.svc:5060', '--check=Options'] }
    await apply(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'responder', namespace: 'smoke' },
        spec: { selector: labels, ports: [{ name: 'sip', port: 5060, protocol: 'UDP' }] },
      },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'responder', namespace: 'smoke' },
        spec: {
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { ...POD, containers: [responder] } },
        },
      },
    )
    await smoke('rollout', 'status', 'deployment/responder', '--timeout=120s')
    await apply({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'call', namespace: 'smoke' },
      spec: { template: { spec: { ...POD, restartPolicy: 'OnFailure', containers: [call] } } },
    })
    await smoke('wait', '--for=condition=Complete', 'job/call', '--timeout=120s')
    expect(await smoke('logs', 'job/call')).toContain('Healthy')
  })

  test('answers for Services and pods by name, and reaches what runs on the machine', async () => {
    const server = createServer((_request, response) => response.end('from the machine')).listen(0, cluster.hostAddress)
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const script = `
      const dns = require('node:dns').promises
      const found = async (ask) => { try { return await ask } catch (error) { return error.code } }
      Promise.all([
        found(dns.resolve4('responder.smoke.svc.cluster.local')),
        found(dns.resolveSrv('_sip._udp.responder.smoke.svc.cluster.local').then((all) => all.map(({ port }) => port))),
        found(dns.resolve4('nobody.smoke.svc.cluster.local')),
        found(fetch('http://${cluster.hostAddress}:${port}/').then((response) => response.text())),
      ]).then((answers) => console.log(JSON.stringify(answers)))`
    const container = { ...CONTAINER, command: ['node', '--eval', script] }
    await apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'names', namespace: 'smoke' },
      spec: { ...POD, restartPolicy: 'Never', containers: [container] },
    })
    await smoke('wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/names', '--timeout=120s')
    const service = await smoke('get', 'service', 'responder', '--output', 'jsonpath={.spec.clusterIP}')
    expect(JSON.parse(await smoke('logs', 'names'))).toEqual([[service], [5060], 'ENOTFOUND', 'from the machine'])
    server.close()
  })

  test('lets nothing run that is not restricted', async () => {
    const privileged = smoke('run', 'privileged', `--image=${PRODUCT_IMAGE}`, '--privileged')
    await expect(privileged).rejects.toThrow('violates PodSecurity "restricted')
  })
})
