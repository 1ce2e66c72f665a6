/** The chaos table: what breaks, how its moment is reached, and how it is done; docs/reference/reliability.md is held equal to it. What must be true afterwards is in chaos-expect.ts. */
import { Client } from 'pg'
import { z } from 'zod'
import { until } from '../lab/process.ts'
import type { Declared, Replica, World } from './chaos-world.ts'
import { leads } from './chaos-world.ts'

/** Who leads after a kill: the same pod, whose container starts again, or the other replica, when the Lease has run out. */
export type Successor = 'SamePod' | 'OtherReplica'

export interface Row {
  readonly happens: string
  /** The real thing that is stalled or broken to be there at the right moment. */
  readonly moment: string
  readonly then: string
  /** Declares the probe and breaks something at its first call; all is whole again when it resolves. */
  run(world: World, run: { successor: Successor; declare: () => Promise<Declared> }): Promise<void>
}

const PATIENCE = { within: 60_000 }

export const ROWS: readonly Row[] = [
  {
    happens: 'The leader is killed before it dispatches',
    moment: 'nothing passes between operator and agent',
    then: 'The next leader makes the call.',
    async run(world, { successor, declare }) {
      let leader = await world.leader()
      {
        using _ = world.wayToAgent.block()
        const { probe } = await declare()
        const hasBegun = async () => hasLag(await (leader = await world.leader()).process.metrics(), probe)
        await until(hasBegun, { what: 'the round begins', ...PATIENCE })
        await leader.kill()
      }
      await succeed(world, leader, successor)
    },
  },
  {
    happens: 'The leader is killed during the call',
    moment: 'the responder has answered',
    then: 'The agent keeps the call; the next leader takes it over from there.',
    async run(world, { successor, declare }) {
      await inTheCall(world, declare)
      const leader = await world.leader()
      await leader.kill()
      await succeed(world, leader, successor)
    },
  },
  {
    happens: 'The leader is killed between the call and history',
    moment: 'a table of PostgreSQL is locked',
    then: 'The agent keeps the result until it is stored; the next leader stores it.',
    async run(world, { successor, declare }) {
      const leader = await world.leader()
      {
        await using lock = await lockExecutions(world)
        await inTheCall(world, declare)
        await until(() => lock.isWaitedFor(), { what: 'the result waits for the table', ...PATIENCE })
        await leader.kill()
      }
      await succeed(world, leader, successor)
    },
  },
  {
    happens: 'The leader is killed between history and status',
    moment: 'nothing passes between the leader and the API server',
    then: 'The next leader writes the status from history.',
    async run(world, { successor, declare }) {
      const { probe } = await inTheCall(world, declare)
      const leader = await world.leader()
      {
        using _ = leader.way.block()
        await untilStored(world.other(leader), probe)
        await leader.kill()
      }
      await succeed(world, leader, successor)
    },
  },
  {
    happens: 'The leader is killed before a delivery is answered',
    moment: 'the receiver takes the request and says nothing',
    then: 'The next leader sends it, under the same `webhook-id`.',
    async run(world, { successor, declare }) {
      const leader = await world.leader()
      {
        using held = world.hook.hold()
        await declare()
        await until(() => held.waiting > 0, { what: 'a delivery is sent', ...PATIENCE })
        await leader.kill()
      }
      await succeed(world, leader, successor)
    },
  },
  {
    happens: 'The agent is killed during a call, and starts again',
    moment: 'the responder has answered',
    then: 'That execution is Unknown, `AgentLost`; the next slot calls.',
    async run(world, { declare }) {
      await inTheCall(world, declare)
      await world.agent.kill()
      await world.agent.start()
    },
  },
  {
    happens: 'The API server is killed, and is away for 3 s',
    moment: 'the responder has answered',
    then: 'Calls go on; the status comes when it is back.',
    async run(world, { declare }) {
      await inTheCall(world, declare)
      const replica = await world.leader()
      const before = await watchRestarts(replica)
      await world.kube.restartApiServer(3)
      // On a machine that needs longer than the Lease it leads no more, and watches no pods.
      const isCounted = async () =>
        (await watchRestarts(replica)).every((count, index) => count > (before[index] ?? 0)) || !(await leads(replica))
      await until(isCounted, { what: 'watches that began anew are counted', ...PATIENCE })
    },
  },
  {
    happens: 'The API server hangs',
    moment: 'it is stopped, from the middle of a call until its result is in history',
    then: 'Calls go on; the status comes when it answers.',
    async run(world, { declare }) {
      const { probe } = await inTheCall(world, declare)
      const leader = await world.leader()
      using _ = world.kube.stallApiServer()
      // On a machine that needs longer than the Lease nobody leads then, and it is stored when the API server answers.
      await until(async () => (await isStored(leader, probe)) || !(await leads(leader)), {
        what: 'it is in history',
        ...PATIENCE,
      })
    },
  },
  {
    happens: 'etcd forgets its history while watches are stale',
    moment:
      'nothing passes between operator and API server; a probe is declared; etcd is compacted, the API server restarted',
    then: 'The watches are answered 410 Gone and list again: the probe is called.',
    async run({ kube, replicas }, { declare }) {
      using ways = new DisposableStack()
      for (const { way } of replicas) ways.use(way.block())
      await declare()
      await kube.compact()
      await kube.restartApiServer(0)
    },
  },
  {
    happens: 'The leader is cut off from the API server',
    moment: 'nothing passes between the two, from the middle of a call until the other replica leads',
    then: 'It stops leading 10 s after its last renewal, the other one begins after 15 s.',
    async run(world, { declare }) {
      await inTheCall(world, declare)
      const cut = await world.leader()
      {
        using _ = cut.way.block()
        await until(() => leads(world.other(cut)), { what: 'the other one leads', ...PATIENCE })
      }
      await until(async () => !(await leads(cut)), { what: 'it leads no more', ...PATIENCE })
    },
  },
  {
    happens: 'The operator is cut off from its agent',
    moment: 'nothing passes between the two, from the middle of a call until its end',
    then: 'The result is fetched when the network is back.',
    async run(world, { declare }) {
      const { callId } = await inTheCall(world, declare)
      using _ = world.wayToAgent.block()
      await until(() => world.calls.ended.has(callId), { what: 'the call ends', ...PATIENCE })
    },
  },
  {
    happens: 'PostgreSQL is killed, and starts again',
    moment: 'from the middle of a call until its webhook came, from memory',
    then: 'The Lease says `StoreUnavailable`; what waited is stored, and nothing is sent again.',
    async run(world, { declare }) {
      const { probe } = await inTheCall(world, declare)
      await world.database.kill()
      await untilStoreIs(world, 'Away')
      await until(async () => isTold(world, probe) || (await hasNothingToTell(world, probe)), {
        what: 'its webhook comes',
        ...PATIENCE,
      })
      await world.database.start()
      await untilStoreIs(world, 'There')
    },
  },
]

/** Declares the probe and resolves when its first call is answered. */
async function inTheCall(
  { calls }: World,
  declare: () => Promise<Declared>,
): Promise<{ probe: string; callId: string }> {
  const { probe, user } = await declare()
  const callId = () => calls.answered.find((call) => call.user === user)?.callId
  await until(() => callId() !== undefined, { what: 'the call is answered', ...PATIENCE })
  return { probe, callId: callId() ?? '' }
}

/** Resolves when an execution of the probe is in history, as this replica reads it. */
async function untilStored(replica: Replica, probe: string): Promise<void> {
  await until(() => isStored(replica, probe), { what: 'it is in history', ...PATIENCE })
}

async function isStored({ process }: Replica, probe: string): Promise<boolean> {
  const executions = await process.get<unknown[]>(`/projects/default/probes/${probe}/executions`)
  return executions.length > 0
}

/** None are there while nobody leads. */
const Lease = z.object({
  metadata: z.object({ annotations: z.object({ 'ringcheck.dev/conditions': z.string().default('[]') }).prefault({}) }),
})
const Conditions = z.array(z.object({ type: z.literal('StoreUnavailable'), status: z.enum(['True', 'False']) }))

/** Resolves when the Lease says whether the leader can use its store. */
async function untilStoreIs({ kube }: World, state: 'Away' | 'There'): Promise<void> {
  const said = async () => {
    const { metadata } = Lease.parse(JSON.parse(await kube.kubectl('get', 'lease', 'ringcheck', '--output', 'json')))
    const [condition] = Conditions.parse(JSON.parse(metadata.annotations['ringcheck.dev/conditions']))
    return condition?.status
  }
  const wanted = state === 'Away' ? 'True' : 'False'
  await until(async () => (await said()) === wanted, { what: `the store is ${state}, says the Lease`, ...PATIENCE })
}

const isTold = ({ hook }: World, probe: string): boolean =>
  hook.deliveries.some(({ payload }) => JSON.stringify(payload).includes(`"${probe}"`))

const Probe = z.object({
  status: z.object({ health: z.string(), lastExecution: z.object({}).optional() }).optional(),
})

/** What is called on a machine that is too busy to measure stays Unknown. */
async function hasNothingToTell({ kube }: World, probe: string): Promise<boolean> {
  const { status } = Probe.parse(JSON.parse(await kube.kubectl('get', 'sipprobe', probe, '--output', 'json')))
  return status?.lastExecution !== undefined && status.health === 'Unknown'
}

/** Resolves when there is a leader, and both replicas run. On a slow machine the Lease runs out before the same pod is back. */
async function succeed(world: World, dead: Replica, successor: Successor): Promise<void> {
  const other = world.other(dead)
  if (successor === 'OtherReplica') await until(() => leads(other), { what: `${other.name} leads`, ...PATIENCE })
  await dead.start()
  await world.leader()
}

const hasLag = (metrics: string, probe: string): boolean =>
  new RegExp(`^ringcheck_probe_schedule_lag_seconds\\{[^}]*probe="${probe}"`, 'm').test(metrics)

/** Those of probes and of agents' pods. */
async function watchRestarts({ process }: Replica): Promise<number[]> {
  const metrics = await process.metrics()
  return ['SipProbe', 'Pod'].map((kind) =>
    Number(new RegExp(`^ringcheck_operator_watch_restarts_total\\{kind="${kind}"\\} (\\d+)$`, 'm').exec(metrics)?.[1]),
  )
}

/** Until it is disposed of nobody reads or writes executions. */
async function lockExecutions({ databaseUrl }: World): Promise<AsyncDisposable & { isWaitedFor(): Promise<boolean> }> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query('begin')
  await client.query('lock table executions in access exclusive mode')
  return {
    async isWaitedFor() {
      const { rowCount } = await client.query(
        `select from pg_locks where not granted and relation = 'executions'::regclass`,
      )
      return rowCount !== null && rowCount > 0
    },
    [Symbol.asyncDispose]: () => client.end(),
  }
}
