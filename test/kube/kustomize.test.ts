/** What `config/` holds for kustomize and Argo CD, built by kubectl and held against a real API server. */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { renderedFiles } from '../../charts/generate.ts'
import { staleFiles } from '../../crds/generate.ts'
import { temporaryFolder } from '../lab/process.ts'
import type { Cluster } from './cluster.ts'
import { startCluster } from './cluster.ts'
import type { Kubeconform } from './kubeconform.ts'
import { openKubeconform } from './kubeconform.ts'

const ROOT = join(import.meta.dirname, '../..')

const stack = new AsyncDisposableStack()
let cluster: Cluster
let kubeconform: Kubeconform

beforeAll(async () => {
  cluster = stack.use(await startCluster({ level: 'api' }))
  await cluster.installCrds()
  kubeconform = stack.use(await openKubeconform(cluster.kubectl))
})
afterAll(() => stack.disposeAsync())

const built = (folder: string) => cluster.kubectl('kustomize', join(ROOT, folder))
const documentsIn = (text: string): unknown[] => parseAllDocuments(text).map((document) => document.toJS())

describe('kustomize', () => {
  test('carries what the chart renders', async () => {
    expect(await staleFiles(await renderedFiles())).toEqual([])
  })

  test.each([
    'config/cluster',
    'config/namespaced',
    'config/responder',
    'config/alerts',
    'config/dashboards',
    'config/samples/cluster',
  ])('%s is built, and kubeconform takes it', async (folder) => {
    const text = await built(folder)
    expect(await kubeconform.check(text)).toBe(documentsIn(text).length)
  })

  test('the samples of a cluster differ from the local ones in their domain, their webhook and their namespace alone', async () => {
    const local = await built('config/samples/base')
    const changed = local
      .replace('domain: 127.0.0.1', 'domain: ringcheck-responder.ringcheck.svc')
      .replaceAll('http://127.0.0.1:8099/ringcheck', 'https://receiver.example.com/ringcheck')
      .replaceAll(/^metadata:\n  name: (.*)$/gm, 'metadata:\n  name: $1\n  namespace: ringcheck')
    expect(documentsIn(await built('config/samples/cluster'))).toEqual(documentsIn(changed))
  })

  test("the guide's overlay gives operator, agents and responder your image", async () => {
    using folder = temporaryFolder('overlay')
    const guide = readFileSync(join(ROOT, 'docs/guides/install.md'), 'utf8')
    const [overlay = ''] = /^# kustomization\.yaml\n[^`]*/m.exec(guide) ?? []
    writeFileSync(
      join(folder.path, 'kustomization.yaml'),
      overlay.replaceAll('../ringcheck', relative(folder.path, ROOT)),
    )
    const text = await cluster.kubectl('kustomize', folder.path)
    expect(text).not.toMatch(/(image|value): ringcheck:/)
    expect(text.match(/(image|value): images\.example\.com\/ringcheck:0\.1\.0/g)).toHaveLength(3)
  })

  test('the whole of it is applied to a cluster as it is', async () => {
    const words = ['apply', '--server-side', '--validate=strict', '-k']
    for (const folder of ['config/cluster', 'config/responder', 'config/samples/cluster'])
      await cluster.kubectl(...words, join(ROOT, folder))
    expect(await cluster.kubectl('get', 'sipprobes', '--namespace=ringcheck', '--output=name')).toContain('healthy')
  })
})

describe('a gate', () => {
  const read = (file: string) => readFileSync(join(ROOT, 'config/gates', file), 'utf8')

  test('is one that Argo CD and Argo Rollouts take, with the same pod', async () => {
    const texts = [read('argocd-postsync.yaml'), read('argo-rollouts.yaml')]
    for (const text of texts) expect(await kubeconform.check(text)).toBe(1)
    const [hook, analysis] = texts.map((text) => parse(text))
    const { spec } = analysis.spec.metrics[0].provider.job
    const [{ value: probe }] = analysis.spec.args
    expect(JSON.parse(JSON.stringify(spec).replace('{{args.probe}}', probe))).toEqual(hook.spec)
  })

  test('is a pod at the restricted level of Pod Security', async () => {
    const { spec } = parse(read('argocd-postsync.yaml')).spec.template
    await cluster.kubectl('create', 'namespace', 'sales')
    await cluster.kubectl('label', 'namespace', 'sales', 'pod-security.kubernetes.io/enforce=restricted')
    await cluster.kubectl('create', 'serviceaccount', 'gate', '--namespace=sales')
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'gate' }, spec }
    const words = ['create', '--namespace=sales', '--dry-run=server', '--filename', '-']
    expect(await cluster.kubectl.with(JSON.stringify(pod), ...words)).toContain('pod/gate created')
  })
})

describe('Argo CD', () => {
  test('gets a patch and an example that are well formed', async () => {
    for (const file of ['argocd-cm.yaml', 'argocd-cm-health-of-target.yaml', 'application.yaml'])
      expect(await kubeconform.check(readFileSync(join(ROOT, 'config/argocd', file), 'utf8'))).toBe(1)
  })

  test('is tested with resources that the API server would take', async () => {
    const files = globSync('config/argocd/ringcheck.dev/*/testdata/*.yaml', { cwd: ROOT })
    const texts = files.map((file) => readFileSync(join(ROOT, file), 'utf8'))
    expect(await kubeconform.check(texts.join('---\n'))).toBe(files.length)
  })
})
