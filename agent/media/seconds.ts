/** Calls back each second for all calls of an agent, a few at a time, so that packets leave between; what is done each second is the callers'. */
import type { Clock } from '../../lib/clock.ts'

const SECOND = 1000
/** Milliseconds of work in one turn of the event loop: a packet that is due waits little longer. */
const PIECE = 0.5

interface Entry {
  readonly callback: (second: number) => void
  readonly began: number
  /** Counts from 0. */
  second: number
}

/** Thousands of calls that were answered in one moment have their seconds in one moment: without pieces no packet would leave meanwhile. */
export class Seconds implements Disposable {
  readonly #clock: Clock
  /** Who is due first is first. */
  readonly #entries: Entry[] = []
  #timer: Disposable | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Without drifting; a second of a busy moment comes a little later. @param began monotonic milliseconds */
  every(began: number, callback: (second: number) => void): Disposable {
    const entry: Entry = { callback, began, second: 0 }
    this.#insert(entry)
    this.#arm()
    return {
      [Symbol.dispose]: () => {
        const place = this.#entries.indexOf(entry)
        if (place < 0) return
        this.#entries.splice(place, 1)
        this.#arm()
      },
    }
  }

  [Symbol.dispose](): void {
    this.#entries.length = 0
    this.#arm()
  }

  #insert(entry: Entry): void {
    const due = dueOf(entry)
    let place = this.#entries.length
    // Who has just had his second is nearly always the last.
    while (place > 0 && dueOf(this.#entries[place - 1]) > due) place--
    this.#entries.splice(place, 0, entry)
  }

  #arm(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    const [first] = this.#entries
    if (!first) return
    this.#timer = this.#clock.timer(Math.max(0, dueOf(first) - this.#clock.monotonic()), () => this.#turn())
  }

  #turn(): void {
    const began = this.#clock.monotonic()
    try {
      for (let now = began; now < began + PIECE && dueOf(this.#entries[0]) <= now; now = this.#clock.monotonic()) {
        const entry = this.#entries.shift()
        if (!entry) break
        const { second } = entry
        entry.second++
        this.#insert(entry)
        entry.callback(second)
      }
    } finally {
      this.#arm()
    }
  }
}

function dueOf(entry: Entry | undefined): number {
  return entry ? entry.began + (entry.second + 1) * SECOND : Infinity
}
