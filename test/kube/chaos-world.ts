/** What the rows of the chaos table happen to: a cluster, a database, a receiver, a responder that counts, an agent, and two replicas of the operator. It breaks nothing by itself. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startResponder } from '../../agent/respond/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { SECRET } from '../lab/manifests.ts'
import { freePort } from '../lab/ports.ts'
import type { Postgres } from '../lab/postgres.ts'
import { postgres } from '../lab/postgres.ts'
import type { Child } from '../lab/process.ts'
import { start, temporaryFolder, until } from '../lab/process.ts'
import type { Receiver } from '../lab/receiver.ts'
import { receiver } from '../lab/receiver.ts'
import type { Cluster } from './cluster.ts'
import { startCluster } from './cluster.ts'
import type { OperatorAccount } from './operator-account.ts'
import { operatorAccount } from './operator-account.ts'
import type { Relay } from './relay.ts'
import { relay, relayTo } from './relay.ts'
import type { RunningOperator } from './ringcheck-operator.ts'
import { ringcheckOperator } from './ringcheck-operator.ts'

export interface Replica {
  readonly name: string
  /** To the API server. */
  readonly way: Relay
  /** SIGKILL, when what the receiver has answered is noted: what is killed between the two is known to be sent again. */
  kill(): Promise<void>
  /** Again, as its container is: under the same name. */
  start(): Promise<void>
  readonly process: RunningOperator
}

/** A call as the responder answered it. */
export interface AnsweredCall {
  /** The execution's id is in it. */
  readonly callId: string
  /** Who was called: each probe calls another one. */
  readonly user: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/** Of the API. */
export interface DeliveryView {
  readonly webhookId: string
  readonly sequence: number
  readonly state: string
}

export interface Declared {
  readonly probe: string
  /** Whom it calls, alone. */
  readonly user: string
  /** When it was declared, milliseconds since 1970. */
  readonly since: number
}

export interface World extends AsyncDisposable {
  readonly kube: Cluster
  /** Of both replicas. */
  readonly account: OperatorAccount
  readonly database: Postgres
  /** Of the history. */
  readonly databaseUrl: string
  readonly hook: Receiver
  /** From the operator to its agent. */
  readonly wayToAgent: Relay
  readonly agent: { kill(): Promise<void>; start(): Promise<void> }
  readonly replicas: readonly [Replica, Replica]
  /** The replica that leads, when one does. */
  leader(): Promise<Replica>
  other(replica: Replica): Replica
  /** All calls so far, and the Call-IDs of those that have ended. */
  readonly calls: { readonly answered: readonly AnsweredCall[]; readonly ended: ReadonlySet<string> }
  /** Declares a probe that calls every INTERVAL, at once for the first time. */
  declare(probe: string): Promise<Declared>
  /** Is there from the beginning to the end. */
  readonly steady: Declared
}

/** Milliseconds; the shortest there is. */
export const INTERVAL = 10_000

const MAIN = join(import.meta.dirname, '../../cli/main.ts')
const PATIENCE = 60_000
/** Seconds after which the responder hangs up at the earliest: long after the caller has. */
const FIRST_HANGUP = 20

export async function startWorld(): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(temporaryFolder('chaos')).path
  const kube = stack.use(await startCluster({ level: 'api', audit: true }))
  await kube.installCrds()
  const account = await operatorAccount(kube)
  const database = stack.use(await postgres())
  const databaseUrl = await database.database()
  const hook = stack.use(await receiver(SECRET))
  const { port, calls } = await startCounting(stack)

  const tls = join(folder, 'tls')
  const words = ['agent', 'enroll', '127.0.0.1', '--out', tls, '--namespace', 'default', '--kubeconfig']
  await promisify(execFile)(process.execPath, [MAIN, ...words, kube.kubeconfig])
  const agentPort = await freePort()
  const wayToAgent = stack.use(await relay(agentPort))
  let agent = await startAgent(folder, tls, agentPort)
  stack.defer(async () => void (await agent.kill()))

  const startReplica = async (name: string): Promise<Replica> => {
    const way = stack.use(await relayTo(account.kubeconfig, name))
    const run = () =>
      ringcheckOperator({
        ...{ folder, name, kubeconfig: way.kubeconfig },
        config: {
          webhookNetworks: ['127.0.0.0/8'],
          // Of `pods` there are objects, and nobody who makes pods of them.
          locations: { default: { agents: [{ url: `https://127.0.0.1:${wayToAgent.port}` }] }, pods: {} },
        },
        environment: { RINGCHECK_DATABASE_URL: databaseUrl, RINGCHECK_IMAGE: 'localhost/ringcheck:test' },
      })
    let child = await run()
    stack.defer(async () => void (await child.kill()))
    return {
      name,
      way,
      get process() {
        return child
      },
      async kill() {
        using held = hook.hold()
        await until(() => isNoted(child, hook), { what: 'what was answered is noted', within: PATIENCE })
        await child.kill()
        // What it sent before is in the kernel still: it is accepted in one turn of the loop, and read in another.
        for (let turn = 0; turn < 10; turn++) await nextTurn()
        await until(() => held.waiting === 0, { what: 'its connections end', within: PATIENCE })
      },
      start: async () => void (child = await run()),
    }
  }
  const replicas = [await startReplica('one'), await startReplica('two')] as const
  await kube.kubectl.with(manifests(port), 'apply', '--filename', '-')

  let declared = 0
  const declare = async (probe: string): Promise<Declared> => {
    const since = Date.now()
    const user = `hangup-${FIRST_HANGUP + declared++}s`
    await kube.kubectl.with(probeOf(probe, user, hook.url), 'apply', '--filename', '-')
    return { probe, user, since }
  }

  const world: Omit<World, typeof Symbol.asyncDispose | 'steady'> = {
    ...{ kube, account, database, databaseUrl, hook, wayToAgent, calls, replicas, declare },
    agent: {
      kill: async () => void (await agent.kill()),
      start: async () => void (agent = await startAgent(folder, tls, agentPort)),
    },
    async leader() {
      let found: Replica | undefined
      const look = async () => {
        for (const replica of replicas) if (await leads(replica)) found = replica
        return found !== undefined
      }
      await until(look, { what: 'a replica leads', within: PATIENCE })
      return found ?? replicas[0]
    },
    other: (replica) => (replica === replicas[0] ? replicas[1] : replicas[0]),
  }
  await world.leader()
  const steady = await declare('steady')
  await until(() => calls.answered.length > 0, { what: 'the first call is answered', within: PATIENCE })
  const owned = stack.move()
  return { ...world, steady, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Whether the delivery log has the answer to all that was accepted; false also while nobody can say. */
async function isNoted(operator: RunningOperator, hook: Receiver): Promise<boolean> {
  const accepted = new Set(hook.accepted())
  const log = await operator.get<DeliveryView[]>('/deliveries?perPage=100').catch(() => undefined)
  return log?.every(({ webhookId, state }) => state !== 'Pending' || !accepted.has(webhookId)) ?? false
}

/** False also of one that does not answer. */
export async function leads({ process }: Replica): Promise<boolean> {
  if (!process.running) return false
  return /^ringcheck_operator_leader 1$/m.test(await process.metrics().catch(() => ''))
}

async function startCounting(stack: AsyncDisposableStack): Promise<Pick<World, 'calls'> & { port: number }> {
  const port = await freePort()
  const answered: AnsweredCall[] = []
  const ended = new Set<string>()
  const write = (line: string) => {
    const { msg, callId, user, time } = JSON.parse(line) as Record<string, string>
    if (callId === undefined || user === undefined) return
    if (msg === 'call started') answered.push({ callId, user, at: Date.parse(time ?? '') })
    if (msg === 'call ended') ended.add(callId)
  }
  stack.use(
    await startResponder({
      listen: { host: '127.0.0.1', port },
      accounts: [],
      clock: systemClock,
      random: systemRandom,
      log: createLog({ name: 'responder', level: 'info', destination: { write } }),
    }),
  )
  return { port, calls: { answered, ended } }
}

async function startAgent(folder: string, tls: string, port: number): Promise<Child> {
  const admin = await freePort()
  const flags = ['--tls', tls, '--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${admin}`]
  return start({
    ...{ command: process.execPath, name: 'agent', folder, readyWithin: PATIENCE },
    arguments: [MAIN, 'agent', ...flags],
    ready: () =>
      fetch(`http://127.0.0.1:${admin}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ),
  })
}

const manifests = (port: number) => `
apiVersion: ringcheck.dev/v1alpha1
kind: SipRegistrar
metadata: { name: lab }
spec: { domain: 127.0.0.1, port: ${port}, register: false }
---
apiVersion: v1
kind: Secret
metadata: { name: hooks }
stringData: { signing: ${SECRET} }
`

/** Judged by what a busy machine does not change. */
const probeOf = (name: string, user: string, webhook: string) => `
apiVersion: ringcheck.dev/v1alpha1
kind: SipProbe
metadata: { name: ${name} }
spec:
  registrarRef: { name: lab }
  target: sip:${user}@127.0.0.1
  callDuration: 1s
  timeouts: { answer: 5s }
  thresholds: { connectTime: { warning: 4000, critical: 4500 } }
  schedule: { interval: ${INTERVAL / 1000}s }
  webhooks: [{ name: lab, url: ${webhook}, secretRef: { name: hooks, key: signing } }]
`
