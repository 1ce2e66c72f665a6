/** The timers of one transaction: no state of the four machines has more than one that repeats a message and one that ends the state. */
import type { Timer, TimerWheel } from './timer-wheel.ts'

export class PairOfTimers {
  readonly #wheel: TimerWheel
  #repeat: Timer | undefined
  #limit: Timer | undefined

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel
  }

  /** Timers A, E, G, and the wait for the automatic 100; replaces the one before. */
  repeat(milliseconds: number, callback: () => void): void {
    this.#repeat?.cancel()
    this.#repeat = this.#wheel.start(milliseconds, callback)
  }

  /** Timers B, D, F, H, I, J, K, L, M; replaces the one before. */
  limit(milliseconds: number, callback: () => void): void {
    this.#limit?.cancel()
    this.#limit = this.#wheel.start(milliseconds, callback)
  }

  stopRepeating(): void {
    this.#repeat?.cancel()
    this.#repeat = undefined
  }

  stop(): void {
    this.stopRepeating()
    this.#limit?.cancel()
    this.#limit = undefined
  }
}
