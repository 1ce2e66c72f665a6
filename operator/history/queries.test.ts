import { CompiledQuery } from 'kysely'
import { expect, test } from 'vitest'
import { ManualClock } from '../../lib/manual-clock.ts'
import { migrate } from './migrations.ts'
import { historyOn } from './open.ts'
import { openSqlite } from './sqlite.ts'
import { delivery, flip, probe, start, transition } from './test-entries.ts'

/** What may be walked through: the index of what waits, the objects of local mode, and for the log of all deliveries their count and the end of their key. */
const allowed: readonly RegExp[] = [
  /^SCAN \w+ USING (COVERING )?INDEX deliveries_pending:/,
  /^SCAN objects/,
  /^SCAN deliveries USING COVERING INDEX \w+: select count/,
  /^SCAN deliveries: .* order by "id" desc limit/,
]

test('no query walks through a table that grows', async () => {
  const seen: CompiledQuery[] = []
  await using store = openSqlite({ file: ':memory:', log: (event) => void seen.push(event.query) })
  await migrate(store)
  seen.length = 0
  const history = historyOn(store, new ManualClock(start))
  const page = { page: 2, perPage: 10 }

  await history.record(flip(1, probe, ['chat', 'pager']))
  const stop = { ...transition(2, 'Degraded', 'Unknown'), reason: 'Suspended' }
  await history.record({
    probe,
    executions: [],
    transition: stop,
    deliveries: [delivery(2, 'Unknown', { held: true })],
  })
  await history.restore(probe, [transition(3, 'Unknown', 'Healthy')])
  const untold = { state: 'Delivered', createdAt: start, nextAttemptAt: start, attempts: [{ at: start }] } as const
  const told = { probe, executions: [], deliveries: [delivery(4, 'Healthy', { untold })] }
  await history.record(told)
  await history.record(told)
  await history.memory(probe)
  await history.executions(probe, page)
  await history.execution(probe, 'switchboard-run-1')
  await history.transitions(probe, page)
  await history.states(probe, start, start + 1000)
  const [due] = await history.outbox.due(start, 10, 0)
  await history.outbox.nextDue(start)
  if (!due) throw new Error('something is due')
  await history.outbox.postpone(due, { nextAttemptAt: start, error: 'no', at: start })
  await history.outbox.settle(due, { state: 'Delivered', responseCode: 200, at: start, endpoint: 'e' })
  await history.outbox.supersede(start)
  await history.outbox.releaseHeld(probe)
  await history.outbox.disabledEndpoint({ probe, webhook: 'chat' })
  await history.outbox.disabledWebhooks(probe)
  await history.outbox.get(1)
  await history.outbox.replay(1, start)
  await history.outbox.list({ page: 1, perPage: 10 })
  await history.outbox.list({ page: 1, perPage: 10, namespace: 'default', name: 'switchboard' })
  await history.outbox.attempts(1)
  await history.outbox.counts()
  await history.objects.identify({ kind: 'SipProbe', namespace: 'default', name: 'a', specHash: 'x' })
  await history.objects.writeStatus({ kind: 'SipProbe', namespace: 'default', name: 'a' }, {})
  await history.objects.status({ kind: 'SipProbe', namespace: 'default', name: 'a' })
  await history.objects.statuses()
  await history.objects.nextEpoch()
  await history.prune(start)

  const queries = new Map(seen.map((query) => [query.sql, query]))
  queries.delete('begin')
  queries.delete('commit')
  expect(queries.size).toBeGreaterThan(35)
  const walks: string[] = []
  for (const { sql: text, parameters } of queries.values()) {
    const plan = CompiledQuery.raw(`explain query plan ${text}`, [...parameters])
    const { rows } = await store.database.executeQuery<{ detail: string }>(plan)
    walks.push(...rows.map(({ detail }) => `${detail}: ${text}`).filter((line) => line.startsWith('SCAN')))
  }
  expect(walks.filter((walk) => !allowed.some((pattern) => pattern.test(walk)))).toEqual([])
})
