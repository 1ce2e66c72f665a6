/**
 * A process that holds registrations or dialogs, or makes very many calls, and reports what its memory is before and after:
 * `node memory.ts --what registrations|dialogs|growth --port P [--count N] [--traces]`. After a report it goes on at SIGUSR2.
 */
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { benchEngine, Caller, idle, newTally } from './caller.ts'
import { memory, pause, report } from './reporting.ts'

const { values } = parseArgs({
  options: {
    what: { type: 'string', default: '' },
    port: { type: 'string', default: '' },
    count: { type: 'string', default: '10000' },
    traces: { type: 'boolean', default: false },
  },
})
const count = Number(values.count)
const engine = await benchEngine()
const caller = new Caller(engine, { port: Number(values.port), transport: 'UDP' }, values.traces)
const tally = newTally()

if (values.what === 'registrations') {
  // The code is compiled and the tables have grown before the first figure.
  const kept = [await registered('before', 1_000)]
  await snapshot(0)
  kept.push(await registered('kept', count))
  await snapshot(kept[1]?.length ?? 0)
} else if (values.what === 'dialogs') {
  await caller.release(await caller.hold(2_000, tally))
  await snapshot(0)
  const kept = await caller.hold(count, tally)
  await snapshot(kept.length)
} else {
  await calls(10_000)
  await snapshot(10_000)
  await calls(count - 10_000)
  await snapshot(count)
}
report({ event: 'done', failed: tally.failed })
process.exit()

async function snapshot(items: number): Promise<void> {
  await idle(engine)
  // The bench's own: eight bytes a call.
  tally.answers.length = 0
  const { transactions, dialogs, registrations, timers, connections } = engine.gauges
  const goOn = once(process, 'SIGUSR2')
  report({ event: 'memory', items, ...memory(), transactions, dialogs, registrations, timers, connections })
  await goOn
}

async function registered(name: string, total: number) {
  const bindings = []
  while (bindings.length < total) {
    const some = Array.from({ length: 50 }, (_, index) => register(`${name}-${bindings.length + index}`))
    bindings.push(...(await Promise.all(some)))
  }
  return bindings
}

async function register(user: string) {
  const outcome = await engine.register({
    party: caller.party(user),
    callId: `bench-${user}`,
    timeout: 8_000,
    trace: caller.trace(),
    expires: 3_600,
  })
  if (outcome.kind !== 'Registered') throw new Error(`not registered: ${JSON.stringify(outcome)}`)
  return outcome.registration
}

/** At 4,000 a second, so that the transactions of 32 s have room in memory, and no faster than they come to their end. */
async function calls(total: number): Promise<void> {
  const begin = performance.now()
  for (let started = 0; started < total;) {
    const due = Math.min(total, (performance.now() - begin) * 4)
    for (; started < due && caller.active < 100; started++) void caller.call(tally)
    await pause(2)
  }
  await caller.drained(tally, 30_000)
}
