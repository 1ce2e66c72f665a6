/** Carries out a row of the chaos table, and says what must be true after each run: of its probe, of the one before, and of one that was there all the time. */
import { expect, vi } from 'vitest'
import { z } from 'zod'
import type { SipProbeStatus } from '../../crds/index.ts'
import { until } from '../lab/process.ts'
import type { Row, Successor } from './chaos-rows.ts'
import type { AnsweredCall, Declared, DeliveryView, World } from './chaos-world.ts'
import { INTERVAL } from './chaos-world.ts'

/** In which everything must be in its place again, on a busy machine. What is lost, or doubled, stays so. Milliseconds. */
const SETTLED = { timeout: 120_000, interval: 250 }
const SUCCESSORS: readonly Successor[] = ['OtherReplica', 'SamePod']
/** Milliseconds without a call that are allowed beyond two intervals: the Lease runs out (15 s), is looked at (2.4 s), silent agents are waited for (6 s). */
const TAKE_OVER = 23_400

interface Transition {
  readonly sequence: number
  readonly to: string
}

/** Of the receiver's. */
const StatusChanged = z.object({ data: z.object({ probe: z.object({ name: z.string() }) }) })

export interface Runs {
  readonly times: number
  /** The probes are called so, and a number. */
  readonly name: string
  /** What a busy machine may add to the time without a call, milliseconds. */
  readonly late: number
}

/** So often, with a probe of its own each time; each stays for one more run, in which it must go on. */
export async function expectNothingLost(world: World, row: Row, { times, name, late }: Runs): Promise<void> {
  const steady = { ...world.steady, since: Date.now() }
  let kept: readonly Declared[] = [steady]
  let whole = Date.now()
  for (let run = 0; run < times; run++) {
    let own: Declared | undefined
    const declare = async () => (own = await world.declare(`${name}-${run}`))
    await row.run(world, { declare, successor: SUCCESSORS[run % SUCCESSORS.length] ?? 'OtherReplica' })
    const isWhole = Date.now()
    for (const each of kept) await untilCalled(world, each, whole)
    const there = own ? [...kept, own] : kept
    for (const each of there) await vi.waitFor(() => expectInPlace(world, each.probe), SETTLED)
    await vi.waitFor(() => expectRecorded(world, there, whole), SETTLED)
    expectCalledOnce(world.calls.answered)
    expect(world.hook.refused).toEqual([])
    for (const each of there) expect(longestSilence(world, each)).toBeLessThan(2 * INTERVAL + TAKE_OVER + late)
    for (const { probe } of kept.slice(1)) await world.kube.kubectl('delete', 'sipprobe', probe)
    kept = own ? [steady, own] : [steady]
    whole = isWhole
  }
  for (const { probe } of kept.slice(1)) await world.kube.kubectl('delete', 'sipprobe', probe)
}

/** What broke before that moment did not end its calls. */
const untilCalled = ({ calls }: World, { probe, user }: Declared, after: number): Promise<void> =>
  until(() => calls.answered.some((call) => call.user === user && call.at > after), {
    what: `${probe} is called again`,
    within: SETTLED.timeout,
  })

/**
 * History has no gap, the status is that of its end, and each transition was told once, in order. What it was, a busy machine decides
 * as well: between two of these looks there may be another one, so that it is looked again.
 */
async function expectInPlace(world: World, probe: string): Promise<void> {
  const { process } = await world.leader()
  const status = await statusOf(world, probe)
  const transitions = await process.get<Transition[]>(`/projects/default/probes/${probe}/transitions?perPage=100`)
  const deliveries = await process.get<DeliveryView[]>(`/deliveries?namespace=default&name=${probe}&perPage=100`)
  const accepted = world.hook.deliveries
    .filter(({ answered, payload }) => answered < 300 && StatusChanged.parse(payload).data.probe.name === probe)
    .map(({ id }) => id)
  const wanted = Array.from({ length: status?.sequence ?? 0 }, (_, index) => index + 1)
  expect(status?.lastExecution).toBeDefined()
  expect(status?.health).toBe(transitions[0]?.to ?? 'Unknown')
  expect(transitions.map(({ sequence }) => sequence).toReversed()).toEqual(wanted)
  expect(deliveries.map(({ sequence }) => sequence).toReversed()).toEqual(wanted)
  expect(deliveries.filter(({ state }) => state !== 'Delivered')).toEqual([])
  expect(accepted).toEqual(deliveries.map(({ webhookId }) => webhookId).toReversed())
}

/** No execution began twice: one INVITE transaction of each id. */
function expectCalledOnce(calls: readonly AnsweredCall[]): void {
  const callIds = calls.map(({ callId }) => callId)
  expect(callIds.filter((callId, index) => callIds.indexOf(callId) < index)).toEqual([])
  const executions = callIds.map(executionOf)
  expect(executions.filter((id, index) => executions.indexOf(id) < index)).toEqual([])
}

/** Every call of these that was made since then is in history. */
async function expectRecorded(world: World, probes: readonly Declared[], since: number): Promise<void> {
  const users = probes.map(({ user }) => user)
  const made = world.calls.answered
    .filter(({ at, user }) => at >= since && users.includes(user))
    .map(({ callId }) => executionOf(callId))
  const { process } = await world.leader()
  const stored = (id: string) =>
    process.get(`/executions/${id}`).then(
      () => true,
      () => false,
    )
  const found = await Promise.all(made.map(stored))
  expect(made.filter((_, index) => !found[index])).toEqual([])
}

/** Milliseconds between two calls, or between the last one and now. */
function longestSilence({ calls }: World, { user, since }: Declared): number {
  const times = calls.answered.filter((call) => call.user === user && call.at >= since).map(({ at }) => at)
  const ends = [...times, Date.now()]
  return Math.max(...ends.map((at, index) => at - (ends[index - 1] ?? since)))
}

async function statusOf({ kube }: World, probe: string): Promise<SipProbeStatus | undefined> {
  return JSON.parse(await kube.kubectl('get', 'sipprobe', probe, '--output', 'json')).status
}

/** `<execution>-<random>`. */
const executionOf = (callId: string): string => callId.split('-')[0] ?? ''
