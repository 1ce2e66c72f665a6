/** The chaos table with a small number of runs; `make soak` makes twenty of each row. */
import { afterAll, beforeAll, test } from 'vitest'
import { expectNothingLost } from './chaos-expect.ts'
import { ROWS } from './chaos-rows.ts'
import type { World } from './chaos-world.ts'
import { startWorld } from './chaos-world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
}, 300_000)
afterAll(() => world[Symbol.asyncDispose]())

for (const [index, row] of ROWS.entries())
  test(`${row.happens}: nothing is lost, doubled or silent`, async () => {
    await expectNothingLost(world, row, { times: 2, name: `row-${index + 1}`, late: 60_000 })
  }, 600_000)
