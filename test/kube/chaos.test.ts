/** The chaos table with a small number of runs; `make soak` makes twenty of each row. The rights of the operator are those of the chart. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../lab/ports.ts'
import { expectNothingLost } from './chaos-expect.ts'
import { ROWS } from './chaos-rows.ts'
import type { World } from './chaos-world.ts'
import { startWorld } from './chaos-world.ts'
import { everyRight } from './every-right.ts'
import { granted, used } from './granted.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
  const everything = everyRight('default', { domain: '127.0.0.1', port: await freePort() }, ['default', 'pods'])
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: everything })
  await world.kube.kubectl.with(list, 'apply', '--filename', '-')
})
afterAll(() => world[Symbol.asyncDispose]())

for (const [index, row] of ROWS.entries())
  test(`${row.happens}: nothing is lost, doubled or silent`, async () => {
    await expectNothingLost(world, row, { times: 2, name: `row-${index + 1}`, late: 60_000 })
  }, 600_000)

test('through all of it the operator asks for each right that its ServiceAccount has, and for no other', async () => {
  const { kube, account } = world
  await kube.kubectl('delete', 'sipprobe', 'trunk')
  await kube.kubectl('wait', '--for=delete', 'deployment/ringcheck-agent-pods', '--timeout=60s')
  const { everywhere, inside } = await granted(kube, account)
  const given = [...new Set([...everywhere, ...inside])].toSorted()
  // An API server that has just started refuses what it does not know yet: what is asked for counts, whatever the answer.
  await expect.poll(() => used(kube.audit(), account), { timeout: 60_000 }).toEqual(given)
})
