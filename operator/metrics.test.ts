import { Registry } from 'prom-client'
import { expect, test, vi } from 'vitest'
import { ManualClock } from '../lib/manual-clock.ts'
import { WorkQueue } from '../lib/work-queue.ts'
import { observeHistoryWrites, registerAgentsMetrics, registerReplicaMetrics } from './metrics.ts'

test('what the operator looks at is counted by kind and result, and there is a series from the start', async () => {
  const registry = new Registry()
  const metrics = registerReplicaMetrics(registry, { leads: () => true, cluster: { list: () => [] } })
  const value = async (series: string) => {
    const line = (await registry.metrics()).split('\n').find((each) => each.startsWith(`${series} `))
    return line?.slice(series.length + 1)
  }
  const looks = (result: string) => value(`ringcheck_operator_reconcile_total{kind="SipProbe",result="${result}"}`)
  const count = () => value('ringcheck_operator_reconcile_duration_seconds_count{kind="SipProbe"}')
  const depth = () => value('ringcheck_operator_queue_depth{kind="SipProbe"}')
  expect([await looks('Success'), await looks('Error'), await count(), await depth()]).toEqual(['0', '0', '0', '0'])
  expect(await value('ringcheck_operator_resources{kind="StatusPage",state="NotReady"}')).toBe('0')

  const gate = Promise.withResolvers<void>()
  const handle = async (key: string) => {
    await gate.promise
    if (key === 'bad') throw new Error('not yet')
  }
  const clock = new ManualClock()
  const observer = metrics.queue('SipProbe')
  await using queue = new WorkQueue({ clock, random: () => 0, handle, onError: () => undefined, observer })
  for (const key of ['bad', ...Array.from({ length: 40 }, (_, index) => `key-${index}`)]) queue.add(key)
  const waiting = queue.depth
  expect(waiting).toBeGreaterThan(0)
  expect(await depth()).toBe(String(waiting))
  gate.resolve()
  await vi.waitUntil(() => queue.depth === 0)
  await clock.advance(0)
  expect([await looks('Success'), await looks('Error'), await count(), await depth()]).toEqual(['40', '1', '41', '0'])
})

test('agents are counted by location: ready, and wanted but not ready, which more than enough never is', async () => {
  const registry = new Registry()
  const branch = { location: 'branch', wanted: 3, ready: 1 }
  const standing = [branch, { location: 'default', wanted: 1, ready: 2 }]
  registerAgentsMetrics(registry, { strength: () => standing })
  const lines = async () => (await registry.metrics()).split('\n').filter((line) => line.startsWith('ringcheck_'))
  const others = [
    'ringcheck_operator_agents{location="default",state="Ready"} 2',
    'ringcheck_operator_agents{location="default",state="NotReady"} 0',
  ]
  expect(await lines()).toEqual([
    'ringcheck_operator_agents{location="branch",state="Ready"} 1',
    'ringcheck_operator_agents{location="branch",state="NotReady"} 2',
    ...others,
  ])
  branch.ready = 3
  expect(await lines()).toEqual([
    'ringcheck_operator_agents{location="branch",state="Ready"} 3',
    'ringcheck_operator_agents{location="branch",state="NotReady"} 0',
    ...others,
  ])
})

test('a watch that began anew is counted by its kind, and there is a series from the start', async () => {
  const registry = new Registry()
  const metrics = registerReplicaMetrics(registry, { leads: () => true, cluster: { list: () => [] } })
  const series = 'ringcheck_operator_watch_restarts_total{kind="Pod"}'
  expect(await registry.metrics()).toContain(`${series} 0`)
  metrics.watchRestarted('Pod')
  expect(await registry.metrics()).toContain(`${series} 1`)
})

test('each write of history is measured', async () => {
  const registry = new Registry()
  const observe = observeHistoryWrites(registry)
  expect(await registry.metrics()).toContain('ringcheck_operator_history_write_duration_seconds_count 0')
  observe(30)
  expect(await registry.metrics()).toContain('ringcheck_operator_history_write_duration_seconds_sum 0.03')
})
