/**
 * A process whose engine calls a target over and over, and reports one line of JSON for each window that was measured:
 * `node uac.ts --port P --transport UDP --rate R|--window W --warm-up S --seconds N [--held 10,50000]`.
 */
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { benchEngine, Caller, idle, newTally } from './caller.ts'
import { report } from './reporting.ts'
import { percentile } from './statistics.ts'
import { transportOf } from './transports.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '' },
    transport: { type: 'string', default: 'UDP' },
    /** Calls a second, open loop. */
    rate: { type: 'string' },
    /** Calls under way at a time, closed loop. */
    window: { type: 'string', default: '100' },
    /** Seconds before the window that is measured. */
    'warm-up': { type: 'string', default: '2' },
    seconds: { type: 'string', default: '4' },
    /** Dialogs held open beside the calls, a window for each number. */
    held: { type: 'string', default: '' },
  },
})
const rate = values.rate === undefined ? undefined : Number(values.rate)
const milliseconds = Number(values.seconds) * 1000

await using engine = await benchEngine()
const caller = new Caller(engine, { port: Number(values.port), transport: transportOf(values.transport) }, true)
const held = values.held === '' ? [0] : values.held.split(',').map(Number)
for (const count of held) {
  const calls = await caller.hold(count, newTally())
  // Dialogs are to be beside the calls, not what is left of their INVITEs and of earlier calls.
  if (count > 0) await idle(engine)
  await measure(count)
  await caller.release(calls)
}
report({ event: 'done' })
process.exit()

async function measure(dialogs: number): Promise<void> {
  let tally = newTally()
  const run = async (duration: number, ramp: boolean): Promise<void> => {
    if (rate !== undefined) return caller.atRate(tally, { rate, milliseconds: duration, ramp })
    const end = performance.now() + duration
    return caller.inWindow(
      () => tally,
      Number(values.window),
      () => performance.now() >= end,
    )
  }
  const warmUp = Number(values['warm-up']) * 1000
  await run((warmUp * 2) / 3, true)
  await run(warmUp / 3, false)
  // Its own, so that what is left of the warm-up counts neither as failed nor as done.
  tally = newTally()
  report({ event: 'begin' })
  const [begin, processor, finished] = [performance.now(), process.cpuUsage(), caller.finished]
  await run(milliseconds, false)
  const [elapsed, { user, system }] = [performance.now() - begin, process.cpuUsage(processor)]
  const calls = caller.finished - finished
  report({ event: 'end' })
  await caller.drained(tally, 10_000)
  const { answers, ...counts } = tally
  const sorted = answers.toSorted((one, other) => one - other)
  report({
    event: 'result',
    ...counts,
    dialogs,
    seconds: elapsed / 1000,
    calls,
    callsPerSecond: calls / (elapsed / 1000),
    cpu: (user + system) / calls,
    answerP50: percentile(sorted, 0.5),
    answerP99: percentile(sorted, 0.99),
  })
}
