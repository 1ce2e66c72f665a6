/** Carries out a row of the chaos table, and says what must be true after each: of its probe, and of one that was there all the time. */
import { expect } from 'vitest'
import type { SipProbeStatus } from '../../crds/index.ts'
import type { Row, Successor } from './chaos-rows.ts'
import type { AnsweredCall, World } from './chaos-world.ts'
import { INTERVAL, STEADY } from './chaos-world.ts'

/** Milliseconds in which everything must be in its place again, on a busy machine. */
const SETTLED_WITHIN = 60_000
const SUCCESSORS: readonly Successor[] = ['OtherReplica', 'SamePod']
/** Milliseconds without a call that are allowed beyond two intervals: the Lease runs out (15 s), is looked at (2.4 s), silent agents are waited for (6 s). */
const TAKE_OVER = 23_400
/** The same for what a busy machine adds. */
const BUSY = 5_000

interface Transition {
  sequence: number
  to: string
}
interface DeliveryView {
  webhookId: string
  state: string
}

/** So often, with a probe of its own each time. */
export async function expectNothingLost(world: World, row: Row, { times, name }: { times: number; name: string }) {
  for (let run = 0; run < times; run++) {
    const probe = `${name}-${run}`
    const successor = SUCCESSORS[run % SUCCESSORS.length] ?? 'OtherReplica'
    let since = Date.now()
    const declare = async () => void (since = await world.declare(probe))
    await row.run(world, { probe, successor, declare })
    await expectInPlace(world, probe)
    await expectInPlace(world, STEADY)
    expectCalledOnce(world.calls.answered)
    await expectRecorded(world, since)
    for (const user of ['echo', 'tone'])
      expect(longestSilence(world, user, since)).toBeLessThan(2 * INTERVAL + TAKE_OVER + BUSY)
    await world.kube.kubectl('delete', 'sipprobe', probe)
  }
}

/** History has no gap, the status is that of its end, and each transition was told once, in order. What it was, a busy machine decides as well. */
async function expectInPlace(world: World, probe: string): Promise<void> {
  const seen = async () => {
    const { process } = await world.leader()
    const transitions = await process.get<Transition[]>(`/projects/default/probes/${probe}/transitions?perPage=100`)
    const deliveries = await process.get<DeliveryView[]>(`/deliveries?namespace=default&name=${probe}&perPage=100`)
    const status = await statusOf(world, probe)
    const recorded = deliveries.map(({ webhookId }) => webhookId).toReversed()
    const accepted = world.hook.deliveries.filter(({ answered }) => answered < 300).map(({ id }) => id)
    return {
      sequences: transitions.map(({ sequence }) => sequence).toReversed(),
      isLast: status?.lastExecution !== undefined && status.health === (transitions[0]?.to ?? 'Unknown'),
      isDelivered: deliveries.every(({ state }) => state === 'Delivered'),
      recorded,
      accepted: accepted.filter((id) => recorded.includes(id)),
      wanted: Array.from({ length: status?.sequence ?? 0 }, (_, index) => index + 1),
    }
  }
  await expect
    .poll(
      async () => {
        const { sequences, wanted, isLast, isDelivered } = await seen()
        return { sequences, isLast, isDelivered, isWhole: sequences.join() === wanted.join() }
      },
      { timeout: SETTLED_WITHIN, interval: 250 },
    )
    .toMatchObject({ isLast: true, isDelivered: true, isWhole: true })
  const { sequences, recorded, accepted } = await seen()
  expect(recorded).toHaveLength(sequences.length)
  expect(accepted).toEqual(recorded)
  expect(world.hook.refused).toEqual([])
}

/** No execution began twice: one INVITE transaction of each id. */
function expectCalledOnce(calls: readonly AnsweredCall[]): void {
  const callIds = new Set(calls.map(({ callId }) => callId))
  const executions = new Set([...callIds].map(executionOf))
  expect(calls).toHaveLength(callIds.size)
  expect([...callIds].map(executionOf)).toHaveLength(executions.size)
}

/** Every call that was made since then is in history. */
async function expectRecorded(world: World, since: number): Promise<void> {
  const made = world.calls.answered.filter(({ at }) => at >= since).map(({ callId }) => executionOf(callId))
  const missing = async () => {
    const { process } = await world.leader()
    const stored = (id: string) =>
      process.get(`/executions/${id}`).then(
        () => true,
        () => false,
      )
    const found = await Promise.all(made.map(stored))
    return made.filter((_, index) => !found[index])
  }
  await expect.poll(missing, { timeout: SETTLED_WITHIN, interval: 250 }).toEqual([])
}

/** Milliseconds between two calls, or between the last one and now. */
function longestSilence({ calls }: World, user: string, since: number): number {
  const times = calls.answered.filter((call) => call.user === user && call.at >= since).map(({ at }) => at)
  const ends = [...times, Date.now()]
  return Math.max(...ends.map((at, index) => at - (ends[index - 1] ?? since)))
}

async function statusOf({ kube }: World, probe: string): Promise<SipProbeStatus | undefined> {
  return JSON.parse(await kube.kubectl('get', 'sipprobe', probe, '--output', 'json')).status
}

/** `<execution>-<random>`. */
const executionOf = (callId: string): string => callId.split('-')[0] ?? ''
