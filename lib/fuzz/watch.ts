/** What a fuzzing run watches: the processor time of each piece of work, the heap, and exceptions that nobody caught. It makes no message. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock } from '../clock.ts'

/** Milliseconds of processor time that one message or packet may take. */
export const LONGEST = 50

/** Milliseconds of processor time of this thread: what others do on a busy machine is not in it. */
export function processorTime(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

/**
 * Does `work`; returns its milliseconds when it took longer than a message may. What was long once is done twice more and the shortest
 * counts: a collection of garbage, or a compilation, is no fault of the message.
 */
export function tooLong(clock: Clock, work: () => void): number | undefined {
  const began = clock.monotonic()
  work()
  if (clock.monotonic() - began <= LONGEST) return undefined
  let shortest = Infinity
  for (let again = 0; again < 3; again++) {
    const before = processorTime()
    work()
    shortest = Math.min(shortest, processorTime() - before)
  }
  return shortest > LONGEST ? shortest : undefined
}

/** Bytes in use after everything that can go has gone. */
export function heapInUse(): number {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect !== 'function') throw new Error('there is no gc')
  for (let again = 0; again < 3; again++) collect()
  return process.memoryUsage().heapUsed
}

/** Collects what escapes everybody, without taking it from the test runner, until disposed. */
export function escapes(): Disposable & { readonly found: string[] } {
  const found: string[] = []
  const note = (error: Error): void => void found.push(error.stack ?? error.message)
  process.on('uncaughtExceptionMonitor', note)
  return { found, [Symbol.dispose]: () => void process.off('uncaughtExceptionMonitor', note) }
}
