/** A Clock for tests that moves only when told to; it is not a simulation of drift or of jumps. */
import type { Clock } from './clock.ts'

interface Pending {
  due: number
  order: number
  callback: () => void
}

export class ManualClock implements Clock {
  #now: number
  #elapsed = 0
  #order = 0
  readonly #pending = new Set<Pending>()

  /** @param start wall clock at the beginning, milliseconds since 1970 */
  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start
  }

  now(): number {
    return this.#now + this.#elapsed
  }

  monotonic(): number {
    return this.#elapsed
  }

  timer(milliseconds: number, callback: () => void): Disposable {
    const entry: Pending = { due: this.#elapsed + Math.max(0, milliseconds), order: this.#order++, callback }
    this.#pending.add(entry)
    return { [Symbol.dispose]: () => void this.#pending.delete(entry) }
  }

  /** Moves time forward and calls what became due, in the order of its due time; promises settle between two callbacks. */
  async advance(milliseconds: number): Promise<void> {
    // What was begun before this moment sets its timers first.
    await settled()
    const end = this.#elapsed + milliseconds
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#pending.delete(next)
      this.#elapsed = Math.max(this.#elapsed, next.due)
      next.callback()
      await settled()
    }
    this.#elapsed = end
    await settled()
  }

  /** Sets the wall clock back, as an administrator or NTP does; monotonic time and timers go on. */
  setBack(milliseconds: number): void {
    this.#now -= milliseconds
  }

  /** The same, forward. */
  setForward(milliseconds: number): void {
    this.#now += milliseconds
  }

  /** Timers that wait. A test of something that was stopped expects 0. */
  get waiting(): number {
    return this.#pending.size
  }

  #next(end: number): Pending | undefined {
    let first: Pending | undefined
    for (const entry of this.#pending) {
      if (entry.due > end) continue
      if (!first || entry.due < first.due || (entry.due === first.due && entry.order < first.order)) first = entry
    }
    return first
  }
}

/** Lets promise chains of ordinary length run to their end. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}
