/** A small number of kills; `make soak` makes fifty. */
import { test } from 'vitest'
import { killedAtRandom } from '../lab/kills.ts'
import { expectNothingLost } from '../lab/kills-expect.ts'

test('serve killed at random moments loses nothing and tells nothing twice', async () => {
  expectNothingLost(await killedAtRandom({ kills: 4, seed: 7 }))
}, 300_000)
