/** A process for tests that starts an agent, has it carry out the plan that it is given, and is killed in the middle. */
import { join } from 'node:path'
import { RunPlan } from '../../agent/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { startLocalAgents } from './local.ts'

const plan = RunPlan.parse(JSON.parse(process.argv[2] ?? ''))
const agents = await startLocalAgents({
  count: 1,
  clock: systemClock,
  random: systemRandom,
  log: createLog({ name: 'parent', level: 'info', destination: { write: (line) => void process.stdout.write(line) } }),
  entry: join(import.meta.dirname, 'agent.fixture.ts'),
})
await agents.execute(plan, new AbortController().signal)
