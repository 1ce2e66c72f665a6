/** The reconciler over a real folder and a real store, with a clock that the test moves and agents (the edge of the network) that answer when it says. */
import { mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CallResult, RunPlan, RunSummary } from '../../agent/index.ts'
import { sleep, systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { ManualClock } from '../../lib/manual-clock.ts'
import type { Execution, Group } from '../agents/agents.ts'
import { openLocalCluster } from '../cluster/local/index.ts'
import { openHistory } from '../history/index.ts'
import { ProbeMetrics } from './metrics.ts'
import { Probes } from './probes.ts'
import { Recorder } from './recorder.ts'
import { StandbyOutbox } from './standby.ts'
import { StoreState } from './store-state.ts'

const log = createLog({ name: 'test', level: 'silent' })

/** A call that an agent carries out. */
export interface Carried {
  plan: RunPlan
  signal: AbortSignal
  answer(execution: Execution): void
}

export const key = { namespace: 'default', name: 'trunk' }

const registrar = `
apiVersion: ringcheck.dev/v1alpha1
kind: SipRegistrar
metadata: { name: lab }
spec:
  domain: 127.0.0.1
  accounts: [{ username: alice }]
`

/** The manifest of the probe; `spec` are more lines of it. */
export const probe = (spec = 'schedule: { interval: 10s }', name = 'trunk', runNow = '') => `
---
apiVersion: ringcheck.dev/v1alpha1
kind: SipProbe
metadata: { name: ${name}, annotations: { ringcheck.dev/run-now: '${runNow}' } }
spec:
  registrarRef: { name: lab }
  target: sip:echo@127.0.0.1
  thresholds: { packetLoss: { warning: 3, critical: 5 } }
  webhooks: [{ name: hook, url: 'http://127.0.0.1:1/' }]
  ${spec}
`

/** What a test says of agents. */
export interface AgentsSaid {
  /** Why there is none, by location. */
  missing: Map<string, string>
  begun: RunSummary[]
  /** The namespace is annotated so. */
  paused: boolean
  lasting: boolean
  /** Nobody else leads. */
  holds: boolean
}

/** @param minInterval milliseconds */
export async function rig(manifest: string, said: Partial<AgentsSaid> = {}, minInterval = 0) {
  const there: AgentsSaid = { missing: new Map(), begun: [], paused: false, lasting: false, holds: true, ...said }
  const stored: string[] = []
  const handlers = new Set<(group: Group) => void>()
  const stack = new AsyncDisposableStack()
  const folder = stack.use(mkdtempDisposableSync(join(tmpdir(), 'probes-'))).path
  const file = join(folder, 'all.yaml')
  writeFileSync(file, registrar + manifest)
  const clock = new ManualClock(Date.UTC(2026, 5, 1, 12))
  const history = stack.use(await openHistory({ file: ':memory:', clock }))
  const cluster = stack.use(await openLocalCluster({ folder, objects: history.objects, clock, log }))
  // A folder has no namespaces that could be annotated.
  Object.assign(cluster, { isPaused: () => there.paused })
  const metrics = new ProbeMetrics()
  const calls: Carried[] = []
  const released: number[] = []
  const state = new StoreState(() => undefined)
  const outbox = stack.use(new StandbyOutbox({ store: history.outbox, state, clock }))
  const recorder = stack.use(
    new Recorder({
      history,
      outbox,
      state,
      clock,
      log,
      onRecorded: ({ executions }) => void stored.push(...executions.map(({ id }) => id)),
      onDropped: () => undefined,
      onStanding: () => undefined,
      onConflict: (conflict) => probes.repair(conflict),
    }),
  )
  const probes: Probes = stack.use(
    new Probes({
      cluster,
      holds: () => there.holds,
      history,
      recorder,
      state,
      metrics,
      clock,
      random: () => 0.5,
      log,
      scheduled: true,
      minInterval,
      agents: {
        ready: () => 1,
        strength: () => [],
        lasting: there.lasting,
        stored: (ids) => void stored.push(...ids),
        begun: ({ name }) => there.begun.filter((run) => run.name === name && !stored.includes(run.id)),
        readiness: ({ location }) => {
          const message = there.missing.get(location)
          return message === undefined ? { kind: 'Ready' } : { kind: 'NotReady', message }
        },
        onChange(handler) {
          handlers.add(handler)
          return { [Symbol.dispose]: () => void handlers.delete(handler) }
        },
        execute: (plan, signal) =>
          new Promise<Execution>((resolve) => {
            calls.push({ plan, signal, answer: resolve })
            signal.addEventListener('abort', () => resolve(finished(clock.now(), { stopped: true })))
          }),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      },
      links: () => ({}),
      onReleased: () => void released.push(clock.now()),
      onStatus: () => undefined,
    }),
  )
  /** Moves time in small steps, and lets the file system and the store keep up. */
  const pass = async (milliseconds: number, step = 500) => {
    for (let passed = 0; passed < milliseconds; passed += step) {
      await clock.advance(Math.min(step, milliseconds - passed))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return {
    clock,
    cluster,
    history,
    metrics: {
      async text() {
        const pieces: string[] = []
        for await (const piece of metrics.text()) pieces.push(piece)
        return pieces.join('')
      },
    },
    probes,
    calls,
    released,
    stored,
    pass,
    pause: (paused: boolean) => void (there.paused = paused),
    /** Another one leads from now on. */
    lose: () => void (there.holds = false),
    /** There are agents again, or none. */
    agents(location: string, message?: string) {
      if (message === undefined) there.missing.delete(location)
      else there.missing.set(location, message)
      for (const handler of handlers) handler({ namespace: 'default', location })
    },
    /** Resolves when the condition holds; time passes meanwhile. */
    async until(condition: () => boolean | Promise<boolean>, milliseconds = 60_000) {
      for (let passed = 0; !(await condition()); passed += 100) {
        if (passed > milliseconds) throw new Error('waited in vain')
        await pass(100, 100)
        // The folder is watched by the system, whose clock is the real one.
        await sleep(systemClock, 2)
      }
    },
    declare: (text: string) => writeFileSync(file, registrar + text),
    status: () => cluster.status('SipProbe', key),
    transitions: async () => (await history.transitions(key, { page: 1, perPage: 100 })).items.toReversed(),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** What an agent says of a call that was good, but for `change`. */
export function finished(at: number, change: Partial<CallResult> = {}): Execution {
  return {
    kind: 'Finished',
    samples: [],
    result: {
      outcome: 'Success',
      message: 'It went as it should.',
      metrics: { packetLoss: 0 },
      findings: [],
      startedAt: at,
      finishedAt: at,
      retransmissions: { sent: 0, received: 0 },
      authenticationRounds: 0,
      ...change,
    },
  }
}
