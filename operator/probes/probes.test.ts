import { describe, expect, test } from 'vitest'
import type { RunSummary } from '../../agent/index.ts'
import { finished, key, probe, rig } from './rig.fixture.ts'

const busy = { outcome: 'CallFailed', failureClass: 'Busy', message: '486 Busy Here' } as const

/** Answers the call that runs, as soon as there is one. */
async function answer(it: Awaited<ReturnType<typeof rig>>, index: number, change = {}) {
  await it.until(() => it.calls.length > index)
  it.calls[index]?.answer(finished(it.clock.now(), change))
}

/** Seconds from its slot to the beginning of the round that began last. */
async function lag(it: Awaited<ReturnType<typeof rig>>): Promise<number> {
  return Number(/^ringcheck_probe_schedule_lag_seconds\{.*\} (.*)$/m.exec(await it.metrics.text())?.[1])
}

describe('a probe', () => {
  test('calls at once, then on its grid, and each change is one transition', async () => {
    await using it = await rig(probe())
    await answer(it, 0)
    await it.until(() => it.status()?.health === 'Healthy')
    await answer(it, 1, busy)
    await it.until(() => it.status()?.reason === 'Busy')
    await answer(it, 2)
    await it.until(() => it.status()?.health === 'Healthy')
    expect((await it.transitions()).map(({ sequence, to }) => [sequence, to])).toEqual([
      [1, 'Healthy'],
      [2, 'Unhealthy'],
      [3, 'Healthy'],
    ])
    expect((await it.history.outbox.list({ page: 1, perPage: 10 })).total).toBe(3)
  })

  test('that asks for more rounds than the operator wants calls nobody, until it asks for fewer', async () => {
    await using it = await rig(probe(), {}, 30_000)
    await it.until(() => it.status()?.reason === 'Policy')
    const ready = it.status()?.conditions?.find(({ type }) => type === 'Ready')
    expect(ready).toMatchObject({ status: 'False', message: expect.stringContaining('at least 30 s') })
    expect(it.calls).toEqual([])
    it.declare(probe('schedule: { interval: 30s }'))
    await answer(it, 0)
    await it.until(() => it.status()?.health === 'Healthy')
  })

  test('whose endpoint wants no more says so, until it takes one again or is declared anew', async () => {
    await using it = await rig(probe())
    await answer(it, 0)
    await it.until(() => it.status()?.health === 'Healthy')
    const condition = () => it.status()?.conditions?.find(({ type }) => type === 'WebhooksEnabled')
    const settled = (state: 'Delivered' | 'Disabled') =>
      it.probes.webhookSettled({ probe: { ...key, uid: '' }, webhook: 'hook' }, state)
    settled('Delivered')
    expect(condition()).toBeUndefined()
    settled('Disabled')
    await it.until(() => condition()?.status === 'False')
    expect(condition()).toMatchObject({
      reason: 'EndpointGone',
      message: expect.stringMatching(/^hook: the endpoint answered 410/),
    })
    settled('Delivered')
    await it.until(() => condition() === undefined)
    settled('Disabled')
    await it.until(() => condition()?.status === 'False')
    it.declare(probe('schedule: { interval: 20s }'))
    await it.until(() => condition() === undefined)
  })

  test('that is asked to run by its annotation says so when that round begins, and not before', async () => {
    const wish = 'now, please! '.repeat(30)
    const spec = 'schedule: { interval: 24h }'
    await using it = await rig(probe(spec))
    await it.until(() => it.calls.length === 1)
    it.declare(probe(spec, 'trunk', wish))
    await it.until(() => it.cluster.get('SipProbe', key)?.metadata.annotations?.['ringcheck.dev/run-now'] === wish)
    await it.pass(5_000)
    // A leader that follows now has to see that it is still owed.
    expect(it.status()?.lastRunNow).toBeUndefined()
    await answer(it, 0)
    await it.until(() => it.calls.length === 2)
    await it.until(() => it.status()?.lastRunNow === wish.slice(0, 256))
    await answer(it, 1)
    await it.pass(60_000)
    expect(it.calls).toHaveLength(2)
  })

  test('whose account is in use for long skips its slots, one by one, and becomes Stale', async () => {
    const other = probe('schedule: { interval: 24h }', 'other')
    await using it = await rig(probe('schedule: { interval: 10s }\n  callDuration: 1s') + other)
    await it.until(() => it.calls.length === 1)
    const first = it.calls[0]?.plan.name
    const [holder, starved] = first === 'trunk' ? ['trunk', 'other'] : ['other', 'trunk']
    expect(it.calls.map(({ plan }) => plan.name)).toEqual([holder])
    await it.pass(10 * 60_000, 1_000)
    expect(it.calls).toHaveLength(1)
    const skipped = new RegExp(`skipped_total\\{namespace="default",probe="${starved}",reason="AccountInUse"\\} (\\d+)`)
    expect(Number(skipped.exec(await it.metrics.text())?.[1])).toBeLessThanOrEqual(60)
    expect(it.cluster.status('SipProbe', { namespace: 'default', name: 'trunk' })).toMatchObject({
      health: 'Unknown',
      reason: 'Stale',
    })
  })

  test('goes on calling after the clock was set back', async () => {
    await using it = await rig(probe())
    await answer(it, 0)
    await it.until(() => it.status()?.health === 'Healthy')
    it.clock.setBack(365 * 86_400_000)
    await answer(it, 1, busy)
    await it.until(() => it.status()?.reason === 'Busy')
    expect(it.status()?.health).toBe('Unhealthy')
  })

  test('that is looked at late says by how much', async () => {
    await using it = await rig(probe())
    await answer(it, 0)
    await it.until(() => it.status()?.health === 'Healthy')
    expect(await lag(it)).toBe(0)
    it.clock.setForward(2_500)
    await answer(it, 1)
    expect(await lag(it)).toBe(2.5)
  })

  test('that is deleted and comes back during a call loses nothing', async () => {
    await using it = await rig(probe())
    await answer(it, 0)
    await it.until(() => it.status()?.health === 'Healthy')
    await it.until(() => it.calls.length === 2)
    it.declare('')
    await it.until(() => it.cluster.get('SipProbe', key) === undefined)
    it.declare(probe())
    await it.until(() => it.cluster.get('SipProbe', key) !== undefined)
    await answer(it, 1, busy)
    await it.until(() => it.status()?.health === 'Unhealthy')
    await answer(it, 2)
    await it.until(() => it.status()?.health === 'Healthy')
    expect((await it.history.executions(key, { page: 1, perPage: 10 })).total).toBe(3)
    expect((await it.transitions()).map(({ sequence }) => sequence)).toEqual([1, 2, 3])
  })

  test('that is deleted during a call leaves its result in history, and nobody is told', async () => {
    await using it = await rig(probe())
    await it.until(() => it.calls.length === 1)
    it.declare('')
    await it.until(() => it.cluster.get('SipProbe', key) === undefined)
    await answer(it, 0, busy)
    await it.until(async () => (await it.transitions()).length === 1)
    expect((await it.history.outbox.list({ page: 1, perPage: 10 })).total).toBe(0)
    expect(await it.metrics.text()).not.toContain('probe="trunk"')
  })

  test('that is suspended while its result is on the way becomes Unknown once', async () => {
    await using it = await rig(probe())
    await answer(it, 0)
    await it.until(() => it.status()?.health === 'Healthy')
    await it.until(() => it.calls.length === 2)
    it.declare(probe('suspend: true'))
    it.calls[1]?.answer(finished(it.clock.now()))
    await it.until(() => it.status()?.reason === 'Suspended')
    await it.pass(30_000)
    expect((await it.transitions()).map(({ to, reason }) => [to, reason])).toEqual([
      ['Healthy', 'WithinThresholds'],
      ['Unknown', 'Suspended'],
    ])
    // Otherwise an alert on probes that have not called for long would tell of it.
    expect(await it.metrics.text()).not.toContain('ringcheck_probe_interval_seconds{')
    it.declare(probe())
    await it.until(() => it.calls.length === 3)
    expect(await it.metrics.text()).toContain('ringcheck_probe_interval_seconds{')
  })

  test('of a namespace that is paused makes no calls, and calls at once when it is not any more', async () => {
    await using it = await rig(probe())
    await answer(it, 0)
    await it.until(() => it.status()?.health === 'Healthy')
    await it.until(() => it.calls.length === 2)
    it.pause(true)
    it.declare(probe('schedule: { interval: 11s }'))
    await it.until(() => it.status()?.reason === 'Suspended')
    expect(it.calls[1]?.signal.aborted).toBe(true)
    expect(it.status()).toMatchObject({ health: 'Unknown', message: 'The namespace default is paused.' })
    expect(it.status()?.nextExecutionTime).toBeUndefined()
    await it.pass(30_000)
    expect(it.calls).toHaveLength(2)
    it.pause(false)
    it.declare(probe())
    await answer(it, 2)
    await it.until(() => it.status()?.health === 'Healthy')
  })

  test('is asked twice to run during a round: both get the one that follows', async () => {
    await using it = await rig(probe('schedule: { interval: 24h }'))
    await it.until(() => it.calls.length === 1)
    const first = await it.probes.runNow(key)
    const second = await it.probes.runNow(key)
    expect(second?.executionId).toBe(first?.executionId)
    await answer(it, 0)
    await answer(it, 1)
    await it.until(() => it.status()?.lastExecution?.id === first?.executionId)
    await Promise.all([first?.finished, second?.finished])
    expect(it.calls).toHaveLength(2)
  })

  test('that waits for a run and loses its registrar goes on when it is back', async () => {
    await using it = await rig(probe())
    await it.until(() => it.calls.length === 1)
    const asked = await it.probes.runNow(key)
    it.declare(probe().replace('name: lab', 'name: gone'))
    await it.until(() => it.status()?.reason === 'RegistrarMissing')
    await asked?.finished
    expect(await it.probes.runNow(key)).toBeUndefined()
    const before = it.calls.length
    it.declare(probe())
    await it.until(() => it.calls.length > before)
  })

  test('without an agent is damped like any other round that says nothing', async () => {
    await using it = await rig(probe('schedule: { interval: 10s }\n  failureThreshold: 3'))
    await answer(it, 0)
    await it.until(() => it.status()?.health === 'Healthy')
    for (const index of [1, 2]) {
      await it.until(() => it.calls.length > index)
      it.calls[index]?.answer({ kind: 'NoAgent', message: 'No agent is ready.' })
      await it.until(() => it.status()?.recentLevels?.length === index + 1)
      expect(it.status()?.health).toBe('Healthy')
    }
  })

  test('that is new waits for its agents, says so, and calls as soon as they are there', async () => {
    const message = 'The agents of default are not ready: ImagePullBackOff.'
    await using it = await rig(probe(), { missing: new Map([['default', message]]) })
    await it.until(() => it.status()?.conditions?.[0]?.status === 'False')
    expect(it.status()).toMatchObject({ health: 'Unknown', reason: 'NoAgent', message })
    expect(it.status()?.conditions?.[0]).toMatchObject({ type: 'Ready', reason: 'NoAgent', message })
    await it.pass(8_000)
    expect(it.calls).toHaveLength(0)
    it.agents('default')
    await answer(it, 0)
    await it.until(() => it.status()?.health === 'Healthy')
    expect(it.status()?.conditions?.[0]).toMatchObject({ type: 'Ready', status: 'True' })
  })

  test('that lost its agents is not Ready and keeps its slots, whose rounds say that there is none', async () => {
    await using it = await rig(probe())
    await answer(it, 0)
    await it.until(() => it.status()?.health === 'Healthy')
    it.agents('default', 'The node is gone.')
    await it.until(() => it.status()?.conditions?.[0]?.status === 'False')
    expect(it.status()).toMatchObject({ health: 'Healthy' })
    await it.until(() => it.calls.length === 2)
    it.calls[1]?.answer({ kind: 'NoAgent', message: 'No agent is ready.' })
    await it.until(() => it.status()?.health === 'Unknown')
    it.agents('default')
    await answer(it, 2)
    await it.until(() => it.status()?.health === 'Healthy')
  })

  test('calls from each of its locations, judges each by its own thresholds, and needs the quorum to see a fault', async () => {
    const far = '{ name: far, thresholds: { packetLoss: { warning: 20, critical: 30 } } }'
    await using it = await rig(
      probe(`schedule: { interval: 10s }\n  locations: [{ name: default }, { name: near }, ${far}]\n  quorum: 2`),
    )
    const locations = () => it.status()?.locations?.map(({ name, level }) => `${name} ${level}`)
    /** What each location loses in the next round, percent. */
    const round = async (first: number, losses: Record<string, number>) => {
      await it.until(() => it.calls.length === first + 3)
      for (const call of it.calls.slice(first))
        call.answer(finished(it.clock.now(), { metrics: { packetLoss: losses[call.plan.location] ?? 0 } }))
    }
    await round(0, { near: 50, far: 19 })
    await it.until(() => it.status()?.health === 'Healthy')
    expect(locations()).toEqual(['default Healthy', 'near Unhealthy', 'far Healthy'])
    await round(3, { near: 50, far: 25 })
    await it.until(() => it.status()?.health === 'Degraded')
    expect(locations()).toEqual(['default Healthy', 'near Unhealthy', 'far Degraded'])
    expect(it.status()?.lastExecution?.location).toBe('far')
    expect(new Set(it.calls.map(({ plan }) => plan.id)).size).toBe(6)
  })

  test('with agents at one of two locations calls from there, and is not Ready', async () => {
    const locations = 'locations: [{ name: default }, { name: branch }]'
    await using it = await rig(probe(locations), { missing: new Map([['branch', 'There is no location branch.']]) })
    await it.until(() => it.calls.length === 2)
    for (const call of it.calls)
      call.answer(
        call.plan.location === 'branch' ? { kind: 'NoAgent', message: 'No agent is ready.' } : finished(it.clock.now()),
      )
    await it.until(() => it.status()?.health === 'Healthy')
    expect(it.status()?.conditions?.[0]).toMatchObject({ status: 'False', message: 'There is no location branch.' })
  })

  test('of two that share an account the calls that a leader before began are both taken over, also after their slot', async () => {
    const slot = Date.UTC(2026, 5, 1, 11, 59, 45)
    const run = { namespace: 'default', location: 'default', generation: 1, epoch: 1, thresholds: {}, slot }
    const begun: RunSummary[] = ['trunk', 'other'].map((name) => ({ ...run, name, id: name, state: 'Finished' }))
    await using it = await rig(probe() + probe(undefined, 'other'), { begun })
    for (const count of [1, 2]) {
      await it.until(() => it.calls.length === count)
      await it.pass(1000)
      const call = it.calls[count - 1]
      expect(call?.plan.slot).toBe(slot)
      call?.answer(finished(it.clock.now()))
    }
    expect(new Set(it.calls.map(({ plan }) => plan.name)).size).toBe(2)
  })

  test('whose call a leader before began takes it over under its slot, and judges it by what was in force then', async () => {
    const slot = Date.UTC(2026, 5, 1, 11, 59, 58)
    const thresholds = { packetLoss: { warning: 10, critical: 20 } }
    const run = { namespace: 'default', name: 'trunk', location: 'default', generation: 7, epoch: 1, thresholds }
    const begun: RunSummary[] = [{ ...run, id: 'known-by-its-agent', slot, state: 'Running' }]
    await using it = await rig(probe(), { begun })
    await it.until(() => it.calls.length === 1)
    expect(it.calls[0]?.plan.slot).toBe(slot)
    const result = finished(it.clock.now(), { metrics: { packetLoss: 12 } })
    it.calls[0]?.answer(result.kind === 'Finished' ? { ...result, begunAs: { generation: 7, thresholds } } : result)
    await it.until(() => it.status()?.health === 'Degraded')
    expect(it.status()?.lastExecution).toMatchObject({ generation: 7, breaches: [{ threshold: 10 }] })
    // The round is in history: its agent may forget what it has, and the next slot is called anew.
    await it.until(() => it.calls.length === 2)
    expect(it.stored).toContain('known-by-its-agent')
    expect(it.calls[1]?.plan.slot).toBeGreaterThan(slot)
  })

  test('is left to the next leader where agents go on without us: nothing is hung up and nothing recorded', async () => {
    const it = await rig(probe(), { lasting: true })
    await it.until(() => it.calls.length === 1)
    await it.probes[Symbol.asyncDispose]()
    expect(it.calls[0]?.signal.aborted).toBe(false)
    expect((await it.history.executions(key, { page: 1, perPage: 10 })).total).toBe(0)
    await it[Symbol.asyncDispose]()
  })

  test('of a leader that slept past its term is not Stale, and what comes of its call is not recorded', async () => {
    await using it = await rig(probe(), { lasting: true })
    await answer(it, 0)
    await it.until(() => it.status()?.health === 'Healthy')
    await it.until(() => it.calls.length === 2)
    it.lose()
    await it.pass(15 * 60_000, 10_000)
    it.calls[1]?.answer({ kind: 'AgentLost', message: 'The agent was lost.' })
    await it.pass(60_000)
    expect((await it.transitions()).map(({ to }) => to)).toEqual(['Healthy'])
    expect((await it.history.executions(key, { page: 1, perPage: 10 })).total).toBe(1)
  })

  test('under maintenance calls on, and what changed is told when the window ends', async () => {
    const window = "maintenance: [{ start: '2026-06-01T12:00:00Z', end: '2026-06-01T12:05:00Z' }]"
    await using it = await rig(probe(`schedule: { interval: 24h }\n  ${window}`))
    await answer(it, 0, busy)
    await it.until(() => it.status()?.health === 'Unhealthy')
    expect((await it.history.outbox.list({ page: 1, perPage: 10 })).items).toMatchObject([{ state: 'Held' }])
    await it.until(() => it.released.length > 0, 6 * 60_000)
    expect(it.clock.now()).toBeGreaterThanOrEqual(Date.UTC(2026, 5, 1, 12, 5))
    expect((await it.history.outbox.list({ page: 1, perPage: 10 })).items).toMatchObject([{ state: 'Pending' }])
  })

  test('stopping hangs up; the slot is owed again', async () => {
    const it = await rig(probe())
    await it.until(() => it.calls.length === 1)
    const { history } = it
    await it.probes[Symbol.asyncDispose]()
    expect(it.calls[0]?.signal.aborted).toBe(true)
    expect((await history.executions(key, { page: 1, perPage: 10 })).items).toMatchObject([{ reason: 'Stopped' }])
    expect(
      (await history.memory({ ...key, uid: it.cluster.get('SipProbe', key)?.metadata.uid ?? '' })).lastRound,
    ).toBeUndefined()
    await it[Symbol.asyncDispose]()
  })
})
