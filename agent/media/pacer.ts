/** One pacing loop for the senders of all sessions: it says when, it sends nothing and makes no packet. */
import type { Clock } from '../../lib/clock.ts'
import { Histogram } from '../quality/index.ts'
import type { PacingWatch } from './media.ts'

/** Slots of 1 ms in the ring; a power of two above the longest packet time, so that one turn holds every sender once. */
const SLOTS = 256
/** Longest packet time, milliseconds. */
export const LONGEST_INTERVAL = SLOTS - 1
/** Further behind than this, milliseconds, time is left out: a process that was stopped does not send an hour's packets at once. */
const CATCH_UP = 1000
/** Rounding of times with fraction: a timer may fire this much before its slot. */
const EARLY = 0.001
/** Lateness is counted in steps of 0.05 ms up to 100 ms. */
const LATENESS = { step: 0.05, steps: 2000 }

/**
 * Called once in its slot.
 * @param at monotonic milliseconds @param leftOut milliseconds without packets before this one; 0 but after a long stop of the process
 */
export type Tick = (at: number, leftOut: number) => void

interface Entry {
  readonly tick: Tick
  readonly interval: number
  /** What `#leftOut` was when it had its last turn. */
  leftOut: number
  active: boolean
}

/**
 *     ring of slots      [ ][a c][ ][ ][b] ...      a, b, c: senders; each moves on by its packet time after its turn
 *                              ^ next
 *
 * The loop sleeps to the next slot that holds a sender, and sleeps for good when there is none. A late wake-up works off every slot
 * that has passed, in order, so that lateness does not add up.
 */
/** So many late packets of a short call are chance: of fewer than 300 packets the third-latest stands for the percentile. */
const CHANCE = 2

export class Pacer implements Disposable {
  readonly #clock: Clock
  /** Clock.monotonic of slot 0. */
  #epoch: number
  /** All the time that was left out, milliseconds. */
  #leftOut = 0
  readonly #ring: Entry[][] = Array.from({ length: SLOTS }, () => [])
  /** Changes places with the slot that is worked off, so that no turn makes an array. */
  #spare: Entry[] = []
  readonly #watches: Histogram[] = []
  /** The slot to be worked off next. */
  #next = 0
  #active = 0
  #timer: Disposable | undefined
  #inTurn = false

  constructor(clock: Clock) {
    this.#clock = clock
    this.#epoch = clock.monotonic()
  }

  /** @param interval whole milliseconds, 1 to 255. The first tick is in the next slot, at most 1 ms from now. */
  add(interval: number, tick: Tick): Disposable {
    const entry: Entry = { tick, interval, leftOut: this.#leftOut, active: true }
    const slot = Math.ceil(this.#clock.monotonic() - this.#epoch - EARLY)
    if (this.#active === 0 && !this.#inTurn) this.#next = slot
    this.#insert(entry, Math.min(Math.max(this.#next, slot), this.#next + LONGEST_INTERVAL))
    this.#active++
    this.#arm()
    return { [Symbol.dispose]: () => this.#remove(entry) }
  }

  /** How late senders have their turn from now on. */
  watch(): PacingWatch {
    const lateness = new Histogram(LATENESS.step, LATENESS.steps)
    this.#watches.push(lateness)
    return {
      p99: () => lateness.quantile(Math.min(0.99, (lateness.count - CHANCE) / lateness.count)),
      [Symbol.dispose]: () => {
        const index = this.#watches.indexOf(lateness)
        if (index >= 0) this.#watches.splice(index, 1)
      },
    }
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    for (const slot of this.#ring) slot.length = 0
    this.#active = 0
  }

  #insert(entry: Entry, slot: number): void {
    this.#ring[slot % SLOTS]?.push(entry)
  }

  /** The entry leaves its slot when its turn comes; until then it only does nothing. */
  #remove(entry: Entry): void {
    if (!entry.active) return
    entry.active = false
    this.#active = Math.max(0, this.#active - 1)
    if (this.#active > 0) return
    for (const slot of this.#ring) slot.length = 0
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  /** Sets the timer for the next slot that holds somebody, anew when that is earlier than what it was set for. */
  #arm(): void {
    if (this.#inTurn) return
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    if (this.#active === 0) return
    let slot = this.#next
    while (slot < this.#next + SLOTS && this.#ring[slot % SLOTS]?.length === 0) slot++
    const due = this.#epoch + slot - this.#clock.monotonic()
    this.#timer = this.#clock.timer(Math.max(0, due), () => this.#turn())
  }

  #turn(): void {
    this.#inTurn = true
    const behind = Math.floor(this.#clock.monotonic() - this.#epoch - this.#next)
    if (behind > CATCH_UP) {
      this.#epoch += behind
      this.#leftOut += behind
    }
    const now = this.#clock.monotonic() - this.#epoch + EARLY
    try {
      for (; this.#next <= now && this.#active > 0; this.#next++) this.#slot(this.#next)
    } finally {
      this.#inTurn = false
      this.#arm()
    }
  }

  /** Once a packet, so it makes nothing: there is a watch a run, not one a call. */
  #late(milliseconds: number): void {
    for (let index = 0; index < this.#watches.length; index++) this.#watches[index]?.add(milliseconds)
  }

  #slot(slot: number): void {
    const index = slot % SLOTS
    const entries = this.#ring[index]
    if (!entries || entries.length === 0) return
    this.#ring[index] = this.#spare
    let turn = 0
    try {
      while (turn < entries.length) {
        const entry = entries[turn++]
        if (entry?.active) this.#tick(entry, slot)
      }
    } finally {
      // Only when a sender threw: the others have their turn in this slot all the same, which is the next again.
      while (turn < entries.length) {
        const entry = entries[turn++]
        if (entry) this.#insert(entry, slot)
      }
      entries.length = 0
      this.#spare = entries
    }
  }

  #tick(entry: Entry, slot: number): void {
    const at = this.#clock.monotonic()
    this.#late(at - this.#epoch - slot)
    this.#insert(entry, slot + entry.interval)
    const leftOut = this.#leftOut - entry.leftOut
    entry.leftOut = this.#leftOut
    // Each packet that never left was late by all of it.
    for (let time = 0; time < leftOut; time += entry.interval) this.#late(leftOut)
    entry.tick(at, leftOut)
  }
}
