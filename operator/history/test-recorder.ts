/** The process that the kill test kills: it goes on recording flips where the file ends, and says each one that was recorded. */
import { systemClock } from '../../lib/clock.ts'
import { openHistory } from './open.ts'
import { flip, probe } from './test-entries.ts'

const file = process.argv[2]
if (file === undefined) throw new Error('usage: test-recorder.ts FILE')
const history = await openHistory({ file, clock: systemClock })
const { sequence } = await history.memory(probe)
for (let next = sequence + 1; ; next++) {
  await history.record(flip(next, probe, ['chat', 'pager']))
  process.stdout.write(`${next}\n`)
}
