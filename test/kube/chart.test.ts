/** What Helm renders of the chart, by Helm itself, kubeconform and a real API server; nothing is installed. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { temporaryFolder } from '../lab/process.ts'
import { matrix, refused } from './chart-values.ts'
import type { Cluster } from './cluster.ts'
import { startCluster } from './cluster.ts'
import type { Helm } from './helm.ts'
import { CHART, TEMPLATE, openHelm } from './helm.ts'
import type { Kubeconform } from './kubeconform.ts'
import { openKubeconform } from './kubeconform.ts'

const PodSpec = z.looseObject({ containers: z.array(z.looseObject({ args: z.array(z.string()) })) })
const Manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
  rules: z.array(z.looseObject({ verbs: z.array(z.string()).optional() })).optional(),
})
type Manifest = z.output<typeof Manifest>

const stack = new AsyncDisposableStack()
let cluster: Cluster
let helm: Helm
let kubeconform: Kubeconform
let folder: string

beforeAll(async () => {
  cluster = stack.use(await startCluster({ level: 'api' }))
  await cluster.installCrds()
  helm = stack.use(await openHelm())
  kubeconform = stack.use(await openKubeconform(cluster.kubectl))
  folder = stack.use(temporaryFolder('chart')).path
})
afterAll(() => stack.disposeAsync())

/** Path of a file with these values; JSON is YAML. */
function valuesFile(name: string): string {
  const path = join(folder, `${name.replaceAll(/\W/g, '-')}.json`)
  writeFileSync(path, JSON.stringify(matrix[name]))
  return path
}

const template = (...words: string[]) => helm.run(...TEMPLATE, ...words)
const rendered = (name: string) => template('--values', valuesFile(name))
const manifestsIn = (text: string): Manifest[] =>
  parseAllDocuments(text).flatMap((document) => (document.contents === null ? [] : Manifest.parse(document.toJS())))
const namesIn = (manifests: readonly Manifest[], kind: string) =>
  manifests.flatMap((manifest) => (manifest.kind === kind ? manifest.metadata.name : []))

describe('values', () => {
  test.each(Object.keys(matrix))('%s: helm lint and kubeconform take them', async (name) => {
    await helm.run('lint', CHART, '--strict', '--values', valuesFile(name))
    const text = await rendered(name)
    expect(await kubeconform.check(text)).toBe(manifestsIn(text).length)
  })

  test.each(refused)('%s is refused: %s', async (words, message) => {
    await expect(template('--set', words)).rejects.toThrow(message)
  })

  test('kubeconform is strict, also about our own kinds', async () => {
    const deployment = (await template('--show-only=templates/deployment.yaml')).replace('replicas:', 'replica:')
    await expect(kubeconform.check(deployment)).rejects.toThrow("additional properties 'replica' not allowed")
    const probe =
      'apiVersion: ringcheck.dev/v1alpha1\nkind: SipProbe\nmetadata: { name: a }\nspec: { registrarRef: { name: b }, taget: c }'
    await expect(kubeconform.check(probe)).rejects.toThrow("additional properties 'taget' not allowed")
  })
})

describe('what is rendered', () => {
  test.each(['defaults', 'two replicas with PostgreSQL', 'one namespace, all but the rights'])(
    '%s: the API server takes it, and its pods at the restricted level of Pod Security',
    async (name) => {
      const namespace = name.replaceAll(/\W+/g, '-').toLowerCase()
      await cluster.kubectl('create', 'namespace', namespace)
      await cluster.kubectl('label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted')
      const text = await rendered(name)
      await cluster.kubectl.with(
        text.replaceAll('namespace: ringcheck', `namespace: ${namespace}`),
        ...['apply', '--namespace', namespace, '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'],
      )
      const pods = manifestsIn(text).flatMap((manifest) => podOf(manifest) ?? [])
      expect(pods.length).toBeGreaterThan(0)
      for (const pod of pods)
        await cluster.kubectl.with(
          JSON.stringify(pod),
          ...['create', '--namespace', namespace, '--dry-run=server', '-f', '-'],
        )
    },
  )

  test('a volume has one user, and PostgreSQL lets two replicas change places', async () => {
    const one = manifestsIn(await rendered('defaults'))
    expect(one.find(({ kind }) => kind === 'Deployment')).toMatchObject({
      spec: { replicas: 1, strategy: { type: 'Recreate' } },
    })
    expect(namesIn(one, 'PersistentVolumeClaim')).toEqual(['ringcheck-data'])
    expect(namesIn(one, 'PodDisruptionBudget')).toEqual([])
    const two = manifestsIn(await rendered('two replicas with PostgreSQL'))
    expect(two.find(({ kind }) => kind === 'Deployment')).toMatchObject({
      spec: { replicas: 2, strategy: { type: 'RollingUpdate' } },
    })
    expect(namesIn(two, 'PersistentVolumeClaim')).toEqual([])
    expect(namesIn(two, 'PodDisruptionBudget')).toEqual(['ringcheck'])
  })

  test('in one namespace nothing of the cluster is touched', async () => {
    const kinds = new Set(manifestsIn(await rendered('one namespace, all but the rights')).map(({ kind }) => kind))
    expect([...kinds].filter((kind) => kind.startsWith('Cluster') || kind === 'CustomResourceDefinition')).toEqual([])
  })

  test.each(Object.keys(matrix))('%s: no rule has a wildcard', async (name) => {
    const rules = manifestsIn(await rendered(name)).flatMap((manifest) => manifest.rules ?? [])
    expect(JSON.stringify(rules)).not.toContain('*')
  })
})

/** The pod that a manifest makes, if it makes one. */
function podOf({ kind, metadata, ...rest }: Manifest): object | undefined {
  const { spec } = rest
  if (kind === 'Pod') return { apiVersion: 'v1', kind, metadata: { name: metadata.name }, spec: PodSpec.parse(spec) }
  if (kind !== 'Deployment') return undefined
  const { template: pod } = z.looseObject({ template: z.looseObject({ spec: PodSpec }) }).parse(spec)
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: metadata.name }, spec: pod.spec }
}
