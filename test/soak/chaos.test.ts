/** Each row of the chaos table twenty times. */
import { test } from 'vitest'
import { expectNothingLost } from '../kube/chaos-expect.ts'
import { ROWS } from '../kube/chaos-rows.ts'
import { startWorld } from '../kube/chaos-world.ts'

for (const [index, row] of ROWS.entries())
  test(`${row.happens}, twenty times: nothing is lost, doubled or silent`, async () => {
    await using world = await startWorld()
    await expectNothingLost(world, row, { times: 20, name: `row-${index + 1}`, late: 5_000 })
  })
