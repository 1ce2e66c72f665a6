/** The first minute of somebody who installs Ringcheck on a real node, by the clock: Helm, the samples, Healthy, and the webhook of it. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startCluster } from '../kube/cluster.ts'
import { CHART, openHelm } from '../kube/helm.ts'
import { localVolume } from '../kube/local-volume.ts'
import { IMAGE_VALUES, writeProductImage } from '../kube/product-image.ts'
import { certificateAuthority } from '../lab/certificates.ts'
import { temporaryFolder } from '../lab/process.ts'
import { receiver } from '../lab/receiver.ts'

/** From the beginning of `helm install`, with the images there; milliseconds. */
const HEALTHY_WITHIN = 20_000
const SAMPLES = join(import.meta.dirname, '../../config/samples')
const EXAMPLE = 'https://receiver.example.com/ringcheck'

test('20 s after helm install begins the samples are Healthy, and a receiver has it, signed', async () => {
  using folder = temporaryFolder('install')
  const authority = await certificateAuthority()
  await using cluster = await startCluster({ level: 'node' })
  const { hostAddress: host, kubectl } = cluster
  const [secret = ''] = /whsec_\S+/.exec(readFileSync(join(SAMPLES, 'base/receiver.yaml'), 'utf8')) ?? []
  await using hook = await receiver(secret, { host, identity: await authority.issue([host]) })
  const archive = join(folder.path, 'ringcheck.tar')
  writeProductImage(archive, authority.ca)
  await cluster.load(archive)
  await kubectl.with(JSON.stringify(localVolume('history', join(folder.path, 'history'))), 'apply', '--filename', '-')
  using helm = await openHelm(cluster.kubeconfig)

  // The overlay of the samples, but for the URL that is to be replaced.
  const samples = join(folder.path, 'samples')
  cpSync(SAMPLES, samples, { recursive: true })
  const overlay = join(samples, 'cluster/Kustomization')
  const text = readFileSync(overlay, 'utf8')
  expect(text).toContain(EXAMPLE)
  writeFileSync(overlay, text.replace(EXAMPLE, hook.url))

  const began = performance.now()
  const values = `${IMAGE_VALUES},responder.enabled=true,config.webhookNetworks={${host}/32}`
  const release = ['ringcheck', '--namespace=ringcheck', '--create-namespace']
  await helm.run('install', ...release, CHART, '--wait', '--timeout=120s', `--set=${values}`)
  await kubectl('apply', '--kustomize', join(samples, 'cluster'))
  const namespace = '--namespace=ringcheck'
  await kubectl('wait', '--for=condition=Healthy', 'sipprobe/healthy', namespace, '--timeout=200s')
  expect(await kubectl('get', 'sprobe', 'healthy', namespace)).toMatch(/\bHealthy\b/)
  const took = performance.now() - began
  process.stdout.write(`Healthy ${(took / 1000).toFixed(1)} s after helm install began\n`)

  const { payload } = await hook.delivery((each) => JSON.stringify(each.payload).includes('"healthy"'), 60_000)
  expect(payload).toMatchObject({ data: { probe: { name: 'healthy', namespace: 'ringcheck' }, newStatus: 'HEALTHY' } })
  expect(hook.refused).toEqual([])
  expect(took).toBeLessThan(HEALTHY_WITHIN)
}, 900_000)
