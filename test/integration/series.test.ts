/** Every documented series of a probe, and of what the operator does for it, exists from the start and moves with real calls; each panel of the dashboards shows them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startResponder } from '../../agent/respond/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { choicesOf, queriesOf, readDashboards } from '../lab/dashboards.ts'
import { temporaryFolder } from '../lab/process.ts'
import type { Prometheus } from '../lab/prometheus.ts'
import { startPrometheus } from '../lab/prometheus.ts'
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
  'ringcheck_probe_skipped_total',
  'ringcheck_probe_transitions_total',
  'probe_success',
  'probe_duration_seconds',
  'ringcheck_operator_reconcile_total',
  'ringcheck_operator_reconcile_duration_seconds',
  'ringcheck_operator_dispatch_duration_seconds',
  'ringcheck_operator_history_write_duration_seconds',
]

/** Nothing, all the time, where a machine has nothing else to do; a late look moves it in operator/probes/probes.test.ts. */
const LAG = 'ringcheck_probe_schedule_lag_seconds'

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
  thresholds:
    packetLoss: { warning: ${loss}, critical: 90 }
    # What no call here comes near to.
    mos: { warning: 1.2, critical: 1.1 }
    jitter: { warning: 900, critical: 1000 }
    rtt: { warning: 900, critical: 1000 }
    setupTime: { warning: 20000, critical: 30000 }
    ringTime: { warning: 20000, critical: 30000 }
    connectTime: { warning: 20000, critical: 30000 }
    registerTime: { warning: 20000, critical: 30000 }
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

/** What Grafana puts in the place of variables. */
const CHOSEN: Readonly<Record<string, string>> = {
  ...{ namespace: 'default', probe: 'moving', location: '.*' },
  ...{ __rate_interval: '1m', __range: '10m' },
}
const chosen = (text: string) => text.replaceAll(/\$(\w+)/g, (variable, name: string) => CHOSEN[name] ?? variable)

/** There is no certificate without TLS, and no watch without Kubernetes. */
const EMPTY = /certificate_expiry|watch_restarts/

/** The panels without an answer, and those whose legend names a label that the answer does not have. */
async function blank(prometheus: Prometheus): Promise<string[]> {
  const complaints = readDashboards().map(async (dashboard) => {
    const asked = queriesOf(dashboard).map(async ({ of, expr, legend }) => {
      const answer = await prometheus.query(chosen(expr))
      if (answer.length === 0) return EMPTY.test(expr) ? [] : [`${of}: ${expr} has no answer`]
      const labels = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label)
      const missing = labels.filter((label) => answer.some((each) => each[label] === undefined))
      return missing.map((label) => `${of}: ${expr} has no label ${label}`)
    })
    const choices = choicesOf(dashboard).map(async ({ name, series, label }) => {
      const answer = await prometheus.query(chosen(series))
      return answer.some((each) => each[label] !== undefined)
        ? []
        : [`${dashboard.title}: nothing to choose for ${name}`]
    })
    return (await Promise.all([...asked, ...choices])).flat()
  })
  return (await Promise.all(complaints)).flat()
}

test('every series of a probe moves, and those of what the operator does for it; every panel shows something', async () => {
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
  const scrapes = [await product.metrics()]
  await product.becomes('moving', 'Healthy', ({ health }) => health === 'Healthy', 100_000)
  scrapes.push(await product.metrics())
  const afterOne = samples(scrapes[1] ?? '')
  expect([...SERIES, LAG].filter((name) => !afterOne.has(name))).toEqual([])

  // A call that is longer than its interval leaves a slot out.
  declare({ target: 'loss-20', interval: '11s', callDuration: '12s', loss: 5 })
  await product.becomes('moving', 'Degraded', ({ health }) => health === 'Degraded', 150_000)
  scrapes.push(await product.metrics())
  declare({ target: 'reject-503', interval: '10s', callDuration: '2s', loss: 5 })
  await product.becomes('moving', 'Unhealthy', ({ health }) => health === 'Unhealthy', 150_000)
  const last = await product.metrics()
  scrapes.push(last)

  const moved = scrapes.map(samples)
  const still = SERIES.filter((name) => new Set(moved.map((scrape) => scrape.get(name))).size === 1)
  expect(still).toEqual([])
  expect(await checkMetrics(last)).toEqual([])

  await using prometheus = await startPrometheus(temporary.path, scrapes)
  expect(await blank(prometheus)).toEqual([])
}, 480_000)
