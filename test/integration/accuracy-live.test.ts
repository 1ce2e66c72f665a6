/** Real calls through the relay, held against its record and against tshark: counts exactly, times as well as a busy machine allows. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sleep, systemClock } from '../../lib/clock.ts'
import { shows } from '../lab/features.ts'
import { type ImpairedCall, impairedCall } from '../lab/impairment-call.ts'
import { ANYWHERE, expectAccurate } from '../lab/impairment-expect.ts'
import type { Impairment } from '../lab/impairment-schedule.ts'
import { start, temporaryFolder, until } from '../lab/process.ts'
import { rtpStreams } from '../lab/tshark.ts'

const CALLS = 6
/** Milliseconds of a call. */
const DURATION = 6000

test('calls through networks that lose, delay, double and reorder are measured as the relay has them on record', async () => {
  await using stack = new AsyncDisposableStack()
  const calls: ImpairedCall[] = []
  for (let seed = 1; seed <= CALLS; seed++) {
    const host = seed % 3 === 0 ? '::1' : '127.0.0.1'
    calls.push(stack.use(await impairedCall({ seed, restless: seed % 2 === 0, host })))
  }
  for (const call of calls) call.start()
  await sleep(systemClock, DURATION)
  await Promise.all(calls.map((call) => call.finish()))
  for (const [index, call] of calls.entries()) expectAccurate(call.figures(), index + 1, ANYWHERE)
})

const SHOWN = shows({ tshark: ['exact-loss', 'jitter', 'impairment'] })

test('tshark, which hears the same call, comes to the same loss and jitter', SHOWN, async () => {
  using folder = temporaryFolder('accuracy')
  const path = join(folder.path, 'call.pcap')
  const impairment: Impairment = { loss: 0.05, delay: 30, jitter: { kind: 'Gamma', shape: 2, scale: 6 } }
  await using call = await impairedCall({ seed: 7, impairments: { left: impairment, right: impairment } })
  await using capture = await start({
    command: 'tshark',
    // Prints each packet that it has written.
    arguments: ['-i', 'lo', '-f', `udp dst port ${call.callerPort}`, '-w', path, '-P', '-l'],
    folder: folder.path,
    ready: (log) => log.includes('Capture started'),
  })
  call.start()
  await sleep(systemClock, DURATION)
  await call.finish()
  const { caller } = call.figures()
  const captured = () => [...capture.log().matchAll(/^ *\d+ +\d+\.\d+ /gm)].length
  await until(() => captured() === caller.truth.packets, { what: 'all of the call is captured' })
  await capture.stop()

  const { packetsLost, outOfOrder, jitter = NaN } = caller.report.metrics
  expect(packetsLost).toBeGreaterThan(3)
  expect(outOfOrder).toBeGreaterThan(3)
  const [stream, ...others] = await rtpStreams(path, call.callerPort)
  expect(others).toEqual([])
  expect(stream?.packets).toBe(caller.report.packetsReceived)
  // It counts up to the packet that came last, and we to the highest number: the last ones may have come out of order.
  const { lost = NaN } = stream ?? {}
  expect(lost).toBeLessThanOrEqual(packetsLost ?? NaN)
  expect(lost).toBeGreaterThanOrEqual((packetsLost ?? NaN) - 3)
  expect(Math.abs((stream?.jitter.mean ?? NaN) - jitter)).toBeLessThan(ANYWHERE.jitter)
})
