/** The whole product on a real node, from nothing: installed by Helm with its own ServiceAccount, probes that call, and gone again. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLua } from '../lab/lua.ts'
import { freePort } from '../lab/ports.ts'
import { temporaryFolder } from '../lab/process.ts'
import type { NodeCluster } from './cluster.ts'
import { startCluster } from './cluster.ts'
import { everyRight } from './every-right.ts'
import { gateOf } from './gate.fixture.ts'
import { granted, refused, used } from './granted.ts'
import type { Helm } from './helm.ts'
import { CHART, openHelm } from './helm.ts'
import { localVolume } from './local-volume.ts'
import { IMAGE_VALUES, writeProductImage } from './product-image.ts'

/** Of a test, milliseconds: the machine may be busy. */
const TIMEOUT = 600_000
const ROOT = join(import.meta.dirname, '../..')

const stack = new AsyncDisposableStack()
let cluster: NodeCluster
let helm: Helm
let folder: string
let trunkPort: number
/** What there was before anything of ours. */
let before: readonly string[]

beforeAll(async () => {
  cluster = stack.use(await startCluster({ level: 'node', audit: true }))
  helm = stack.use(await openHelm(cluster.kubeconfig))
  folder = stack.use(temporaryFolder('product-on-node')).path
  trunkPort = await freePort()
  const archive = join(folder, 'ringcheck.tar')
  writeProductImage(archive)
  await cluster.load(archive)
  for (const name of ['ringcheck', 'branch', 'sales']) {
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: RESTRICTED } })
    await cluster.kubectl('wait', '--for=create', 'configmap/kube-root-ca.crt', 'serviceaccount/default', `-n=${name}`)
  }
  await volume('first')
  await volume('second')
  before = await everything()
})
afterAll(() => stack.disposeAsync())

/** What follows from a deletion takes a moment, also in what the API server says that there is. */
const POLL = { timeout: 120_000, interval: 1_000 }
const RESTRICTED = { 'pod-security.kubernetes.io/enforce': 'restricted' }

const apply = (...items: readonly object[]) =>
  cluster.kubectl.with(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }), 'apply', '--filename', '-')

const volume = (name: string) => apply(localVolume(name, join(folder, name)))

/** All objects, as `KIND NAMESPACE NAME`, but for Events, which go by themselves, and what follows from others. */
async function everything(): Promise<string[]> {
  const kinds = (await cluster.kubectl('api-resources', '--verbs=list,delete', '--output=name')).trim().split('\n')
  const listed = kinds.filter((kind) => !FOLLOWING.test(kind)).join()
  const columns = '--output=custom-columns=KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name'
  const lines = await cluster.kubectl('get', listed, '--all-namespaces', columns, '--no-headers')
  const names = lines.trim().split('\n')
  return names.map((line) => line.replaceAll(/\s+/g, ' ').trim()).toSorted()
}
const FOLLOWING = /^(events|pods|endpoints|endpointslices|replicasets|apiservices)(\.|$)/

const left = async () => (await everything()).filter((each) => !before.includes(each))

/** A probe whose trunk is dead, and everything else that the operator has rights for. */
const applyDeadTrunk = (namespace: string) =>
  apply(...everyRight(namespace, { domain: cluster.hostAddress, port: trunkPort }))

async function seesDeadTrunk(namespace: string): Promise<void> {
  const wait = (...words: string[]) => cluster.kubectl('wait', `--namespace=${namespace}`, '--timeout=120s', ...words)
  await wait('--for=condition=Healthy=False', 'sipprobe/trunk')
  await wait('--for=condition=Ready', 'sipprobe/trunk', 'sipregistrar/trunk', 'statuspage/lines')
  await wait('--for=condition=Ready=False', 'siploadtest/impossible')
}

/** Somebody with a token of the cluster reads a probe by the API, and no more than they may. */
async function readsByTheApi(namespace: string): Promise<void> {
  await using gate = await gateOf(cluster, namespace)
  const headers = JSON.stringify({ authorization: `Bearer ${await gate.token('ringcheck')}` })
  const paths = JSON.stringify([
    `/projects/${namespace}/probes/trunk`,
    '/projects',
    `/projects/${namespace}/registrars`,
  ])
  const script = `for (const path of ${paths})
    console.log((await fetch('http://ringcheck:8080/api/v1' + path, { headers: ${headers} })).status)`
  const words = [
    'exec',
    '--stdin',
    '--namespace=ringcheck',
    'deployment/ringcheck',
    '--',
    'node',
    '--input-type=module',
  ]
  expect(await cluster.kubectl.with(script, ...words)).toBe('200\n403\n403\n')
}

/** With the last probe its agents go. */
async function removeDeadTrunk(namespace: string): Promise<void> {
  await cluster.kubectl('delete', 'sipprobe/trunk', `--namespace=${namespace}`)
  const agents = ['deployment', 'secret', 'networkpolicy'].map((kind) => `${kind}/ringcheck-agent-default`)
  await cluster.kubectl('wait', '--for=delete', ...agents, `--namespace=${namespace}`, '--timeout=120s')
}

const argocd = async (script: string, namespace: string) =>
  runLua(
    readFileSync(join(ROOT, 'config/argocd/ringcheck.dev/SipProbe', script), 'utf8'),
    JSON.parse(await cluster.kubectl('get', 'sipprobe/trunk', `--namespace=${namespace}`, '--output=json')),
  )

/** Commands of the part of the guide on what an uninstall leaves. */
function documentedCleanUp(): string[][] {
  const guide = readFileSync(join(ROOT, 'docs/guides/install.md'), 'utf8')
  const part = guide.split('## Taking it away')[1] ?? ''
  return [...part.matchAll(/`kubectl (delete [^`]*)`/g)].map(([, words = '']) => words.split(' '))
}

describe('a release for the whole cluster', () => {
  const operator = { namespace: 'ringcheck', name: 'ringcheck' }
  const release = ['ringcheck', '--namespace=ringcheck']

  test(
    'makes the samples call within seconds, and shows it',
    async () => {
      const began = performance.now()
      await helm.run(
        'install',
        ...release,
        CHART,
        '--wait',
        '--timeout=120s',
        `--set=${IMAGE_VALUES},responder.enabled=true`,
      )
      await cluster.kubectl('apply', '--kustomize', join(ROOT, 'config/samples/cluster'))
      const get = (...words: string[]) => cluster.kubectl('get', '--namespace=ringcheck', ...words)
      const wait = ['wait', '--for=condition=Healthy', 'sipprobe/healthy', '--namespace=ringcheck', '--timeout=200s']
      await cluster.kubectl(...wait).catch(async (cause: unknown) => {
        throw new Error(await get('sprobe', '--output=yaml'), { cause })
      })
      expect(await get('sprobe', 'healthy')).toMatch(/\bHealthy\b/)
      process.stdout.write(`Healthy ${((performance.now() - began) / 1000).toFixed(1)} s after helm install began\n`)
      // A machine that is too busy to measure says so of a probe, which is honest.
      const said = (name: string) =>
        get('sprobe', name, '--output=jsonpath={.status.health} {.status.reason}: {.status.message}')
      await expect.poll(() => said('callee'), POLL).toMatch(/^Healthy | AgentSaturated:/)
      await expect.poll(() => said('unhealthy'), POLL).toMatch(/^Unhealthy .*503| AgentSaturated:/)
      await expect.poll(() => said('no-answer'), POLL).toMatch(/^Unhealthy | AgentSaturated:/)
    },
    TIMEOUT,
  )

  test(
    'uses each right that its ServiceAccount has, and needs no other',
    async () => {
      await applyDeadTrunk('sales')
      await seesDeadTrunk('sales')
      await readsByTheApi('sales')
      await removeDeadTrunk('sales')
      const { everywhere, inside } = await granted(cluster, operator)
      const given = [...new Set([...everywhere, ...inside])].toSorted()
      await expect.poll(() => used(cluster.audit(), operator), POLL).toEqual(given)
      expect(everywhere.filter((each) => each.includes('*'))).toEqual([])
      expect(refused(cluster.audit(), operator)).toEqual([])
    },
    TIMEOUT,
  )

  test(
    'leaves what the guide names, and with its commands nothing',
    async () => {
      await helm.run('uninstall', ...release, '--wait', '--timeout=120s')
      // What we applied ourselves is still there, probes and all.
      const isOurs = (each: string) =>
        !/^(Sip|StatusPage )| sales | ringcheck (receiver|responder-accounts)$/.test(each)
      const lasting = ['SipLoadTest', 'SipLoadTestRun', 'SipProbe', 'SipRegistrar', 'StatusPage']
      await expect
        .poll(async () => (await left()).filter(isOurs), POLL)
        .toEqual(
          [
            ...lasting.map((kind) => `CustomResourceDefinition <none> ${kind.toLowerCase()}s.ringcheck.dev`),
            ...['Deployment', 'NetworkPolicy', 'Secret'].map((kind) => `${kind} ringcheck ringcheck-agent-default`),
            'Lease ringcheck ringcheck',
            'PersistentVolumeClaim ringcheck ringcheck-data',
            'Secret ringcheck ringcheck-agents',
          ].toSorted(),
        )
      for (const words of documentedCleanUp()) await cluster.kubectl(...words, '--ignore-not-found')
      await cluster.kubectl('delete', 'secrets', 'receiver', 'responder-accounts', '--namespace=ringcheck')
      await cluster.kubectl('delete', 'secret/accounts', 'configmap/sounds', '--namespace=sales')
      await cluster.kubectl('wait', '--for=delete', 'pods', '--all', '--namespace=ringcheck', '--timeout=90s')
      await expect.poll(left, POLL).toEqual([])
    },
    TIMEOUT,
  )
})

describe('a release for one namespace, whose only trunk is dead', () => {
  const operator = { namespace: 'branch', name: 'ringcheck' }

  test(
    'is installed all the same: it is Ready, the trunk is not Healthy, and Argo CD is told so',
    async () => {
      await cluster.installCrds()
      await applyDeadTrunk('branch')
      expect(await argocd('health.lua', 'branch')).toMatchObject({ status: 'Progressing' })
      const values = `${IMAGE_VALUES},scope=Namespaced,crds.install=false`
      await helm.run('install', 'ringcheck', CHART, '--namespace=branch', '--wait', '--timeout=120s', `--set=${values}`)
      await seesDeadTrunk('branch')
      await expect.poll(() => argocd('health.lua', 'branch'), POLL).toMatchObject({ status: 'Healthy' })
      await expect.poll(() => argocd('health-of-target.lua', 'branch'), POLL).toMatchObject({ status: 'Degraded' })
    },
    TIMEOUT,
  )

  test(
    'uses each right that its ServiceAccount has, none of them outside of the namespace',
    async () => {
      await removeDeadTrunk('branch')
      const { everywhere, inside } = await granted(cluster, operator)
      expect(everywhere).toEqual([])
      await expect.poll(() => used(cluster.audit(), operator), POLL).toEqual(inside)
      expect(inside.filter((each) => each.includes('*'))).toEqual([])
      expect(refused(cluster.audit(), operator)).toEqual([])
    },
    TIMEOUT,
  )
})
