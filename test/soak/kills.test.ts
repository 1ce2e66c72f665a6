/** Fifty kills, and the time an orderly stop may take. */
import { expect, test } from 'vitest'
import { killedAtRandom } from '../lab/kills.ts'
import { expectNothingLost } from '../lab/kills-expect.ts'

test('serve killed fifty times at random moments loses nothing and tells nothing twice', async () => {
  const report = await killedAtRandom({ kills: 50, seed: 42 })
  expectNothingLost(report)
  expect(report.stop.milliseconds).toBeLessThan(10_000)
}, 1_800_000)
