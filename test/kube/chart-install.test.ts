/** The chart as a release on a real API server: what an upgrade brings, what stays, and what its ServiceAccount may do. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { locations } from '../../operator/agents/kubernetes/index.ts'
import { deploymentOf } from '../../operator/agents/kubernetes/objects.ts'
import { temporaryFolder, until } from '../lab/process.ts'
import type { Cluster } from './cluster.ts'
import { startCluster } from './cluster.ts'
import type { Helm } from './helm.ts'
import { CHART, openHelm } from './helm.ts'
import { kubectlOf } from './kubectl.ts'

const stack = new AsyncDisposableStack()
let cluster: Cluster
let helm: Helm

beforeAll(async () => {
  cluster = stack.use(await startCluster({ level: 'api' }))
  helm = stack.use(await openHelm(cluster.kubeconfig))
})
afterAll(() => stack.disposeAsync())

/** Whether the ServiceAccount of a release may do it; without a namespace: in all of them. @param what RESOURCE.GROUP, or RESOURCE.GROUP/NAME of a single one */
async function may(release: string, verb: string, what: string, namespace?: string): Promise<boolean> {
  const [kind = '', name] = what.split('/')
  const [resource = '', group = ''] = kind.split(/\.(.*)/)
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: `system:serviceaccount:${release}:ringcheck`,
      resourceAttributes: { verb, resource, group, name, namespace },
    },
  }
  const words = ['create', '--output', 'jsonpath={.status.allowed}', '--filename', '-']
  return (await cluster.kubectl.with(JSON.stringify(review), ...words)) === 'true'
}

describe('a release', () => {
  test('of an older version gets the new kinds by an upgrade, and leaves them and its history when it goes', async () => {
    using folder = temporaryFolder('older-chart')
    const older = join(folder.path, 'ringcheck')
    cpSync(CHART, older, { recursive: true })
    const path = join(older, 'files/crds/ringcheck.dev_sipprobes.yaml')
    writeFileSync(path, readFileSync(path, 'utf8').replace('      - sprobe\n', '      - oldname\n'))
    const release = ['ringcheck', '--namespace=ringcheck']
    const shortName = () =>
      cluster.kubectl('get', 'crd', 'sipprobes.ringcheck.dev', '--output', 'jsonpath={.spec.names.shortNames}')

    await helm.run('install', ...release, older, '--create-namespace')
    expect(await shortName()).toBe('["oldname"]')
    await helm.run('upgrade', ...release, CHART)
    expect(await shortName()).toBe('["sprobe"]')

    await helm.run('uninstall', ...release)
    expect(await shortName()).toBe('["sprobe"]')
    const all = 'deployments,services,configmaps,secrets,serviceaccounts,roles,rolebindings,networkpolicies,pods,pvc'
    const left = await cluster.kubectl(
      'get',
      all,
      '--namespace=ringcheck',
      '--selector=app.kubernetes.io/name=ringcheck',
      '--output=name',
    )
    expect(left).toBe('persistentvolumeclaim/ringcheck-data\n')

    // And whoever comes back finds both.
    await helm.run('install', ...release, CHART)
    await helm.run('uninstall', ...release)
  })
})

describe('the ServiceAccount', () => {
  test('of a whole cluster reads a Secret that is named, and lists none', async () => {
    await helm.run('install', 'ringcheck', CHART, '--namespace=whole', '--create-namespace', '--set=crds.install=false')
    expect(await may('whole', 'list', 'sipprobes.ringcheck.dev')).toBe(true)
    expect(await may('whole', 'get', 'secrets', 'sales')).toBe(true)
    expect(await may('whole', 'list', 'secrets', 'sales')).toBe(false)
    expect(await may('whole', 'watch', 'secrets', 'sales')).toBe(false)
    expect(await may('whole', 'update', 'sipprobes.ringcheck.dev', 'sales')).toBe(false)
    expect(await may('whole', 'patch', 'sipprobes.ringcheck.dev', 'sales')).toBe(false)
    expect(await may('whole', 'update', 'leases.coordination.k8s.io/ringcheck', 'sales')).toBe(false)
    expect(await may('whole', 'update', 'leases.coordination.k8s.io/ringcheck', 'whole')).toBe(true)
    expect(await may('whole', 'update', 'leases.coordination.k8s.io/another', 'whole')).toBe(false)
    await helm.run('uninstall', 'ringcheck', '--namespace=whole')
  })

  test('of a whole cluster writes Secrets and Deployments that are its own, and no others', async () => {
    await helm.run('install', 'ringcheck', CHART, '--namespace=own', '--create-namespace', '--set=crds.install=false')
    await cluster.kubectl('create', 'secret', 'generic', 'theirs', '--from-literal=key=value')
    const operator = await kubectlOf(await cluster.kubeconfigOf({ namespace: 'own', name: 'ringcheck' }))
    const secret = (name: string, labels: object) =>
      JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name, labels } })
    const apply = (manifest: string) => operator.with(manifest, 'apply', '--server-side', '--filename', '-')
    const ours = secret('ours', { 'app.kubernetes.io/managed-by': 'ringcheck' })
    const refusal = 'the operator writes only what has the label app.kubernetes.io/managed-by=ringcheck'

    // A policy is in force a moment after it was made.
    await until(async () => (await apply(secret('unlabelled', {})).catch(String)).includes(refusal), {
      what: 'the policy is in force',
      within: 60_000,
    })
    await expect(apply(secret('theirs', { 'app.kubernetes.io/managed-by': 'ringcheck' }))).rejects.toThrow(refusal)
    await expect(operator('delete', 'secret', 'theirs')).rejects.toThrow(refusal)
    await apply(ours)
    await operator('delete', 'secret', 'ours')

    const agents = deploymentOf({
      group: { namespace: 'default', location: 'default' },
      location: locations.parse(undefined).default,
      executions: 1,
      image: { image: 'ringcheck' },
      operator: { namespace: 'own', labels: {} },
    })
    const written = JSON.stringify(agents)
    await apply(written)
    for (const [harmless, power] of [
      ['"automountServiceAccountToken":false', '"automountServiceAccountToken":true'],
      ['"enableServiceLinks":false', '"serviceAccountName":"powerful"'],
      ['"allowPrivilegeEscalation":false,', ''],
      ['"volumes":[', '"volumes":[{"name":"node","hostPath":{"path":"/"}},'],
    ] as const) {
      expect(written).toContain(harmless)
      await expect(apply(written.replace(harmless, power))).rejects.toThrow('only pods without a ServiceAccount')
    }
    await operator('delete', 'deployment', agents.metadata.name)
    expect(await cluster.kubectl('get', 'secret', 'theirs', '--output=name')).toBe('secret/theirs\n')
    await helm.run('uninstall', 'ringcheck', '--namespace=own')
  })

  test('of one namespace has no right in another one', async () => {
    const words = ['--namespace=one', '--create-namespace', '--set=scope=Namespaced,crds.install=false']
    await helm.run('install', 'ringcheck', CHART, ...words)
    expect(await may('one', 'list', 'sipprobes.ringcheck.dev', 'one')).toBe(true)
    expect(await may('one', 'get', 'secrets', 'one')).toBe(true)
    for (const resource of [
      'sipprobes.ringcheck.dev',
      'secrets',
      'deployments.apps',
      'namespaces',
      'events.events.k8s.io',
    ])
      for (const verb of ['get', 'list', 'create', 'delete'])
        expect([resource, verb, await may('one', verb, resource, 'sales')]).toEqual([resource, verb, false])
    await helm.run('uninstall', 'ringcheck', '--namespace=one')
  })
})
