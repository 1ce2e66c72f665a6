/** Every documented series of a probe, and of what the operator does for it, exists from the start and moves with real calls. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startResponder } from '../../agent/respond/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { temporaryFolder } from '../lab/process.ts'
import { checkMetrics } from '../lab/promtool.ts'
import { ringcheck } from '../lab/ringcheck.ts'

/** The catalogue of the documentation, but for the expiry of a TLS certificate and what only a fault or a cluster moves. */
const SERIES = [
  'ringcheck_probe_health',
  'ringcheck_probe_success',
  'ringcheck_probe_executions_total',
  'ringcheck_probe_failures_total',
  'ringcheck_probe_mos',
  'ringcheck_probe_r_factor',
  'ringcheck_probe_jitter_seconds',
  'ringcheck_probe_packet_loss_ratio',
  'ringcheck_probe_rtt_seconds',
  'ringcheck_probe_setup_seconds',
  'ringcheck_probe_ring_seconds',
  'ringcheck_probe_connect_seconds',
  'ringcheck_probe_register_seconds',
  'ringcheck_probe_mos_distribution',
  'ringcheck_probe_r_factor_distribution',
  'ringcheck_probe_jitter_seconds_distribution',
  'ringcheck_probe_packet_loss_ratio_distribution',
  'ringcheck_probe_rtt_seconds_distribution',
  'ringcheck_probe_setup_seconds_distribution',
  'ringcheck_probe_ring_seconds_distribution',
  'ringcheck_probe_connect_seconds_distribution',
  'ringcheck_probe_register_seconds_distribution',
  'ringcheck_probe_threshold',
  'ringcheck_probe_last_execution_timestamp_seconds',
  'ringcheck_probe_last_success_timestamp_seconds',
  'ringcheck_probe_interval_seconds',
  'ringcheck_probe_schedule_lag_seconds',
  'ringcheck_probe_skipped_total',
  'ringcheck_probe_transitions_total',
  'probe_success',
  'probe_duration_seconds',
  'ringcheck_operator_reconcile_total',
  'ringcheck_operator_reconcile_duration_seconds',
  'ringcheck_operator_dispatch_duration_seconds',
  'ringcheck_operator_history_write_duration_seconds',
]

interface Probe {
  target: string
  interval: string
  callDuration: string
  loss: number
}

const manifests = (port: number, { target, interval, callDuration, loss }: Probe) => `
apiVersion: ringcheck.dev/v1alpha1
kind: SipRegistrar
metadata: { name: responder }
spec:
  domain: 127.0.0.1
  port: ${port}
  accounts: [{ username: moving, passwordRef: { name: passwords, key: moving } }]
---
apiVersion: v1
kind: Secret
metadata: { name: passwords }
stringData: { moving: secret-1 }
---
apiVersion: ringcheck.dev/v1alpha1
kind: SipProbe
metadata: { name: moving }
spec:
  registrarRef: { name: responder }
  target: sip:${target}@127.0.0.1
  schedule: { interval: ${interval} }
  callDuration: ${callDuration}
  thresholds: { packetLoss: { warning: ${loss}, critical: 90 } }
`

/** Name of the series -> all its samples as one text. */
function samples(metrics: string): Map<string, string> {
  const byName = new Map<string, string>()
  for (const line of metrics.split('\n').filter((each) => each !== '' && !each.startsWith('#'))) {
    const name = (/^[a-z_]+/.exec(line)?.[0] ?? '').replace(
      /_(distribution|duration_seconds)_(bucket|sum|count)$/,
      '_$1',
    )
    byName.set(name, `${byName.get(name) ?? ''}${line}\n`)
  }
  return byName
}

test('every series of a probe moves, and those of what the operator does for it', async () => {
  using temporary = temporaryFolder('series')
  const folder = join(temporary.path, 'manifests')
  const data = join(temporary.path, 'data')
  for (const path of [folder, data]) mkdirSync(path)
  await using responder = await startResponder({
    listen: { host: '127.0.0.1', port: 0 },
    accounts: [{ username: 'moving', password: 'secret-1' }],
    clock: systemClock,
    random: systemRandom,
    log: createLog({ name: 'responder', level: 'error' }),
  })
  const declare = (probe: Probe) => writeFileSync(join(folder, 'all.yaml'), manifests(responder.port, probe))
  declare({ target: 'ring-1s', interval: '10s', callDuration: '2s', loss: 50 })
  await using product = await ringcheck({ folder, data })

  // Before the first call has ended.
  const scrapes = [samples(await product.metrics())]
  await product.becomes('moving', 'Healthy', ({ health }) => health === 'Healthy', 100_000)
  const afterOne = samples(await product.metrics())
  expect(SERIES.filter((name) => !afterOne.has(name))).toEqual([])
  scrapes.push(afterOne)

  // A call that is longer than its interval leaves a slot out.
  declare({ target: 'loss-20', interval: '11s', callDuration: '12s', loss: 5 })
  await product.becomes('moving', 'Degraded', ({ health }) => health === 'Degraded', 150_000)
  scrapes.push(samples(await product.metrics()))
  declare({ target: 'reject-503', interval: '10s', callDuration: '2s', loss: 5 })
  await product.becomes('moving', 'Unhealthy', ({ health }) => health === 'Unhealthy', 150_000)
  const last = await product.metrics()
  scrapes.push(samples(last))

  const still = SERIES.filter((name) => new Set(scrapes.map((scrape) => scrape.get(name))).size === 1)
  expect(still).toEqual([])
  expect(await checkMetrics(last)).toEqual([])
}, 480_000)
