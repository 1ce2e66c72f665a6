/** Two hundred calls through the relay, ten at a time, and very many at once against an echo that is the network. */
import { expect, test } from 'vitest'
import { sleep, systemClock } from '../../lib/clock.ts'
import { mediaAccuracy } from '../bench/media-accuracy.ts'
import { type ImpairedCall, impairedCall } from '../lab/impairment-call.ts'
import { expectAccurate, PROMISED } from '../lab/impairment-expect.ts'

const CALLS = 200
const AT_ONCE = 10
/** Milliseconds of a call. */
const DURATION = 10_000

test('200 calls, each through a network of its own, are measured as the relay has them on record', async () => {
  for (let first = 1; first <= CALLS; first += AT_ONCE) {
    await using stack = new AsyncDisposableStack()
    const calls: ImpairedCall[] = []
    for (let seed = first; seed < first + AT_ONCE; seed++) {
      const host = seed % 5 === 0 ? '::1' : '127.0.0.1'
      calls.push(stack.use(await impairedCall({ seed, restless: seed % 2 === 0, host })))
    }
    for (const call of calls) call.start()
    await sleep(systemClock, DURATION)
    await Promise.all(calls.map((call) => call.finish()))
    for (const [index, call] of calls.entries()) expectAccurate(call.figures(), first + index, PROMISED)
  }
})

// What is counted does not depend on how busy the machine is; jitter and round trip do, and are the bench's.
test.each([1, 100, 1000])(
  '%i calls at once on a core: each packet is counted as the echo has it on record',
  async (calls) => {
    const { packets, ...accuracy } = await mediaAccuracy({ calls, seconds: 10 })
    expect(packets).toBeGreaterThan(calls * 400)
    expect(accuracy).toMatchObject({ calls, miscounted: 0, unrecorded: 0, withoutRoundTrip: 0 })
  },
)
