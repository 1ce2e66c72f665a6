/** The product with its history in PostgreSQL, which goes away and comes back while a line breaks and is mended. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startResponder } from '../../agent/respond/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { SECRET } from '../lab/manifests.ts'
import { freePort } from '../lab/ports.ts'
import { postgres } from '../lab/postgres.ts'
import { temporaryFolder } from '../lab/process.ts'
import { receiver } from '../lab/receiver.ts'
import { ringcheck } from '../lab/ringcheck.ts'

const manifest = (port: number, webhook: string) => `
apiVersion: ringcheck.dev/v1alpha1
kind: SipRegistrar
metadata: { name: lab }
spec: { domain: 127.0.0.1, port: ${port}, register: false, accounts: [{ username: alice }] }
---
apiVersion: v1
kind: Secret
metadata: { name: hooks }
stringData: { signing: ${SECRET} }
---
apiVersion: ringcheck.dev/v1alpha1
kind: SipProbe
metadata: { name: line }
spec:
  registrarRef: { name: lab }
  target: sip:echo@127.0.0.1
  check: Options
  schedule: { interval: 10s }
  timeouts: { answer: 2s }
  webhooks: [{ name: lab, url: ${webhook}, secretRef: { name: hooks, key: signing } }]
---
apiVersion: ringcheck.dev/v1alpha1
kind: StatusPage
metadata: { name: page }
spec: { title: The lab, components: [{ name: Line, probeRef: { name: line } }] }
`

const callee = (port: number) =>
  startResponder({
    listen: { host: '127.0.0.1', port },
    accounts: [],
    clock: systemClock,
    random: systemRandom,
    log: createLog({ name: 'responder', level: 'error' }),
  })

interface Transition {
  sequence: number
  to: string
}
interface DeliveryView {
  webhookId: string
  sequence: number
  state: string
}

test('while the store is away rounds go on and people are told; afterwards nothing is lost or doubled', async () => {
  await using server = await postgres()
  await using hook = await receiver(SECRET)
  using temporary = temporaryFolder('store-away')
  const folder = join(temporary.path, 'manifests')
  const data = join(temporary.path, 'data')
  for (const path of [folder, data]) mkdirSync(path)
  const port = await freePort()
  writeFileSync(join(folder, 'all.yaml'), manifest(port, hook.url))
  await using stack = new AsyncDisposableStack()
  const first = stack.use(await callee(port))
  const environment = { RINGCHECK_DATABASE_URL: await server.database() }
  await using product = await ringcheck({ folder, data, environment })
  const becomes = (health: string) => product.becomes('line', health, (status) => status.health === health, 60_000)
  const available = async () => /^ringcheck_operator_history_available (\d)$/m.exec(await product.metrics())?.[1]
  await becomes('Healthy')
  expect(await available()).toBe('1')

  await server.stop()
  await first[Symbol.asyncDispose]()
  const broken = await becomes('Unhealthy')
  await hook.delivery(({ payload }) => JSON.stringify(payload).includes('"newStatus":"UNHEALTHY"'))
  expect(await available()).toBe('0')
  expect((await fetch(`${product.urls.admin}/readyz`)).status).toBe(200)
  expect(await product.metrics()).toMatch(/^ringcheck_probe_health\{[^}]*state="Unhealthy"[^}]*\} 1$/m)
  // What was rendered is served; what only the store knows is said to be away.
  expect((await fetch(`${product.urls.pages}/status/default/page`)).status).toBe(200)
  expect((await product.fetch('/projects/default/probes/line/transitions')).status).toBe(503)

  stack.use(await callee(port))
  const mended = await becomes('Healthy')
  expect(mended.sequence).toBe(broken.sequence + 1)
  await hook.delivery(({ payload }) => JSON.stringify(payload).includes(`"sequence":${mended.sequence}`))

  await server.start()
  await expect.poll(available, { timeout: 30_000 }).toBe('1')
  await expect
    .poll(async () => /^ringcheck_operator_history_waiting (\d+)$/m.exec(await product.metrics())?.[1], {
      timeout: 30_000,
    })
    .toBe('0')
  const { sequence } = (await product.probe('line')).status ?? { sequence: 0 }
  const transitions = (await product.get<Transition[]>('/projects/default/probes/line/transitions')).toReversed()
  expect(transitions.map((each) => each.sequence)).toEqual(Array.from({ length: sequence }, (_, index) => index + 1))
  expect(transitions.map(({ to }) => to)).toEqual(expect.arrayContaining(['Healthy', 'Unhealthy']))
  const settled = async () =>
    (await product.get<DeliveryView[]>('/deliveries')).every(({ state }) => state === 'Delivered')
  await expect.poll(settled, { timeout: 20_000 }).toBe(true)
  const recorded = (await product.get<DeliveryView[]>('/deliveries')).map(({ webhookId }) => webhookId).toReversed()
  expect(recorded).toHaveLength(sequence)
  expect(hook.deliveries.map(({ id }) => id)).toEqual(recorded)
  expect(hook.refused).toEqual([])
  expect(await product.metrics()).toMatch(/^ringcheck_operator_history_dropped_total 0$/m)
}, 240_000)
