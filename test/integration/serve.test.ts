/** The whole way of the data against a real proxy and a real callee that are killed and come back. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { expectNothingLost } from '../lab/kills-expect.ts'
import { killedAtRandom, knownStates } from '../lab/kills.ts'
import { kamailio } from '../lab/kamailio.ts'
import { temporaryFolder } from '../lab/process.ts'
import { checkMetrics } from '../lab/promtool.ts'
import { receiver } from '../lab/receiver.ts'
import type { Ringcheck } from '../lab/ringcheck.ts'
import { ringcheck } from '../lab/ringcheck.ts'
import { sippCallee } from '../lab/sipp.ts'
import { SECRET, manifests } from '../lab/manifests.ts'

interface Transition {
  sequence: number
  from: string
  to: string
  severity: string
  reason: string
}

/** What a receiver reads of an event. */
const event = z.object({
  data: z.object({
    sequence: z.number(),
    previousStatus: z.string(),
    newStatus: z.string(),
    severity: z.string(),
  }),
})
const told = (payload: unknown) => event.parse(payload).data

const stateIn = (metrics: string) =>
  /^ringcheck_probe_health\{[^}]*probe="trunk"[^}]*state="(\w+)"[^}]*\} 1$/m.exec(metrics)?.[1]

async function shows(product: Ringcheck, { health, page }: { health: string; page: string }) {
  expect(stateIn(await product.metrics())).toBe(health)
  await expect.poll(() => product.page('/status/default/page'), { timeout: 10_000 }).toContain(page)
}

test('a trunk that loses its callee, then its proxy, and gets both back', async () => {
  using temporary = temporaryFolder('serve')
  const folder = join(temporary.path, 'manifests')
  const data = join(temporary.path, 'data')
  mkdirSync(folder)
  mkdirSync(data)
  await using hook = await receiver(SECRET)
  const first = await sippCallee({ rtpEcho: true })
  await using proxy = await kamailio({ routes: { svc: first.target } })
  writeFileSync(join(folder, 'all.yaml'), manifests({ registrar: proxy.port, webhook: hook.url }))
  await using product = await ringcheck({ folder, data })

  const healthy = await product.becomes('trunk', 'Healthy', ({ health }) => health === 'Healthy', 60_000)
  expect(healthy.lastExecution?.metrics).toMatchObject({ packetLoss: 0, statusCode: 200 })
  await shows(product, { health: 'Healthy', page: 'Operational' })

  await first.kill()
  await product.becomes('trunk', 'Unhealthy by NoAnswer', ({ reason }) => reason === 'NoAnswer', 60_000)
  await shows(product, { health: 'Unhealthy', page: 'Major Outage' })

  await proxy.kill()
  const silent = await product.becomes(
    'trunk',
    'Unhealthy by ResponseTimeout',
    ({ reason }) => reason === 'ResponseTimeout',
    80_000,
  )
  expect(silent.health).toBe('Unhealthy')

  await using again = await sippCallee({ port: first.port, rtpEcho: true })
  expect(again.port).toBe(first.port)
  await proxy.restart()
  await product.becomes('trunk', 'Healthy again', ({ health }) => health === 'Healthy', 80_000)
  await shows(product, { health: 'Healthy', page: 'Operational' })

  const transitions = (await product.get<Transition[]>('/projects/default/probes/trunk/transitions')).toReversed()
  // On a busy machine an execution may be Unknown because we were too slow ourselves: a transition like any other.
  expect(knownStates(transitions)).toEqual(['Healthy', 'Unhealthy', 'Healthy'])
  expect(transitions.map(({ sequence }) => sequence)).toEqual(transitions.map((_, index) => index + 1))
  await hook.delivery(({ payload }) => told(payload).sequence === transitions.length)
  expect(hook.refused).toEqual([])
  expect(hook.deliveries.map(({ payload }) => told(payload))).toEqual(
    transitions.map(({ sequence, from, to, severity }) => ({
      sequence,
      previousStatus: from.toUpperCase(),
      newStatus: to.toUpperCase(),
      severity: severity.charAt(0).toLowerCase() + severity.slice(1),
    })),
  )
  expect(await checkMetrics(await product.metrics())).toEqual([])
}, 400_000)

// A small number of kills; `make soak` makes fifty.
test('killed at random moments it loses nothing and tells nothing twice', async () => {
  expectNothingLost(await killedAtRandom({ kills: 4, seed: 7 }))
}, 480_000)

test('stopping hangs up, unregisters and ends', async () => {
  using temporary = temporaryFolder('stop')
  const folder = join(temporary.path, 'manifests')
  const data = join(temporary.path, 'data')
  mkdirSync(folder)
  mkdirSync(data)
  await using hook = await receiver(SECRET)
  await using callee = await sippCallee({ rtpEcho: true })
  await using proxy = await kamailio({ routes: { svc: callee.target } })
  const text = manifests({ registrar: proxy.port, webhook: hook.url }).replace('callDuration: 2s', 'callDuration: 2m')
  writeFileSync(join(folder, 'all.yaml'), text)
  await using product = await ringcheck({ folder, data })
  await expect
    .poll(async () => (await proxy.registrations()).map(({ aor }) => aor), { timeout: 40_000 })
    .toEqual(['bob'])
  await expect.poll(() => callee.counts(), { timeout: 40_000 }).toMatchObject({ current: 1 })

  const { code } = await product.stop()
  expect(code).toBe(0)
  expect(await proxy.registrations()).toEqual([])
  await expect.poll(() => callee.counts(), { timeout: 10_000 }).toMatchObject({ current: 0, successful: 1, failed: 0 })
}, 150_000)
