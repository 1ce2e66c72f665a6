/** Waiting that has an end: of a goodbye that nobody answers, and of one that is cut short because we are going away. */
import type { Clock } from '../../lib/clock.ts'

export interface Patience {
  clock: Clock
  /** Milliseconds. */
  limit: number
  /** We are asked to stop. */
  signal: AbortSignal
  /** Milliseconds from `signal` on. */
  limitOfStopped: number
}

/** What `promise` gives, or undefined when it took longer; what it gives later is dropped, also when it fails. */
export async function within<T>(promise: Promise<T>, patience: Patience): Promise<T | undefined> {
  const over = Promise.withResolvers<undefined>()
  using _ = deadline(patience, () => over.resolve(undefined))
  return await Promise.race([promise, over.promise])
}

function deadline({ clock, limit, signal, limitOfStopped }: Patience, callback: () => void): Disposable {
  const timers = new DisposableStack()
  const afterStop = () => void timers.use(clock.timer(limitOfStopped, callback))
  timers.use(clock.timer(limit, callback))
  if (signal.aborted) afterStop()
  else {
    signal.addEventListener('abort', afterStop, { once: true })
    timers.defer(() => signal.removeEventListener('abort', afterStop))
  }
  return timers
}
