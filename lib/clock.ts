/** The one place that reads the time and sets timers; everything else is given a Clock, so that tests decide what time it is. */

export interface Clock {
  /** Wall clock: milliseconds since 1970-01-01T00:00:00Z. It may jump; never subtract two of these to get a duration. */
  now(): number
  /** Monotonic milliseconds with a fraction. Only differences mean anything. */
  monotonic(): number
  /** Calls `callback` once after `milliseconds` (0 or more, any length); disposing the result before that cancels it. */
  timer(milliseconds: number, callback: () => void): Disposable
}

/** Longest delay Node's own timers take without overflowing (2^31 - 1 ms, 24.8 days). */
const LONGEST_DELAY = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer(milliseconds, callback) {
    let remaining = Math.max(0, milliseconds)
    let handle: NodeJS.Timeout
    const arm = () => {
      const delay = Math.min(remaining, LONGEST_DELAY)
      remaining -= delay
      handle = setTimeout(() => (remaining > 0 ? arm() : callback()), delay)
    }
    arm()
    return { [Symbol.dispose]: () => clearTimeout(handle) }
  },
}

/** Resolves after `milliseconds`, or at once when `signal` aborts: the caller looks at the signal, nothing is thrown. */
export function sleep(clock: Clock, milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const timer = clock.timer(milliseconds, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    const onAbort = () => {
      timer[Symbol.dispose]()
      resolve()
    }
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
