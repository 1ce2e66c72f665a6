/** Things that all live equally long and end by themselves, in the order they came: one timer for all of them, and no object for each. */
import type { Timer, TimerWheel } from './timer-wheel.ts'

export class Expiring<Value> {
  readonly #wheel: TimerWheel
  readonly #milliseconds: number
  readonly #expired: (value: Value) => void
  /** When each of `values` is over, in milliseconds of the wheel's clock. */
  #times: number[] = []
  #values: Value[] = []
  /** Those before it are gone; they are cut off when they are the greater part. */
  #first = 0
  #timer: Timer | undefined

  constructor(wheel: TimerWheel, milliseconds: number, expired: (value: Value) => void) {
    this.#wheel = wheel
    this.#milliseconds = milliseconds
    this.#expired = expired
  }

  add(value: Value): void {
    this.#times.push(this.#wheel.now + this.#milliseconds)
    this.#values.push(value)
    this.#timer ??= this.#wheel.start(this.#milliseconds, () => this.#expire())
  }

  clear(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#times = []
    this.#values = []
    this.#first = 0
  }

  #expire(): void {
    this.#timer = undefined
    const now = this.#wheel.now
    for (;;) {
      const [time, value] = [this.#times[this.#first], this.#values[this.#first]]
      if (time === undefined || value === undefined) return this.clear()
      if (time > now) break
      this.#first++
      this.#expired(value)
    }
    this.#timer = this.#wheel.start((this.#times[this.#first] ?? now) - now, () => this.#expire())
    if (this.#first * 2 < this.#values.length) return
    this.#times = this.#times.slice(this.#first)
    this.#values = this.#values.slice(this.#first)
    this.#first = 0
  }
}
