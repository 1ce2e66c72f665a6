/** All timers of a signalling engine on one wheel: starting and cancelling cost the same however many run. It is no clock; it is driven by one. */
import type { Clock } from '../../../lib/clock.ts'

/** Milliseconds. A timer fires at its time or up to one tick later, never earlier. */
const TICK = 10

/** With 10 ms ticks the wheel goes round in 41 s: the longest timer of RFC 3261 (32 s) is met once, longer ones are passed by and stay. */
const SLOTS = 4096

/** A running timer, and a place in the ring of its slot: cancelling needs to know its two neighbours only. */
export class Timer {
  /** @internal */ previous: Timer = this
  /** @internal */ next: Timer = this
  /** @internal */ readonly tick: number
  /** @internal */ readonly callback: () => void
  readonly #cancelled: (() => void) | undefined

  constructor(tick: number, callback: () => void, cancelled?: () => void) {
    this.tick = tick
    this.callback = callback
    this.#cancelled = cancelled
  }

  /** Does nothing once it fired or was cancelled. */
  cancel(): void {
    if (this.next === this) return
    unlink(this)
    this.#cancelled?.()
  }
}

export class TimerWheel {
  readonly #clock: Clock
  /** Each slot is the head of a ring, made when it is first needed; a head that is its own neighbour is an empty slot. */
  readonly #slots: Array<Timer | undefined> = Array.from({ length: SLOTS })
  readonly #cancelled = (): void => this.#fewer()
  /** The last tick whose timers have fired. */
  #tick = 0
  #size = 0
  #alarm: Disposable | undefined
  #alarmTick = Infinity
  #stopped = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Timers that run. */
  get size(): number {
    return this.#size
  }

  /** Milliseconds of its clock. */
  get now(): number {
    return this.#clock.monotonic()
  }

  /** Calls `callback` once, `milliseconds` from now; never when it is stopped. */
  start(milliseconds: number, callback: () => void): Timer {
    if (this.#stopped) return new Timer(0, callback)
    const now = this.#clock.monotonic()
    if (this.#size === 0) this.#tick = Math.max(this.#tick, Math.floor(now / TICK))
    const tick = Math.max(this.#tick + 1, Math.ceil((now + milliseconds) / TICK))
    const timer = new Timer(tick, callback, this.#cancelled)
    link(timer, this.#slot(tick))
    this.#size++
    if (tick < this.#alarmTick) this.#arm(tick)
    return timer
  }

  /** Forgets all timers, and those that what is ended by it may still start. */
  stop(): void {
    this.#stopped = true
    for (const head of this.#slots) while (head && head.next !== head) head.next.cancel()
  }

  #slot(tick: number): Timer {
    // Ticks of a long-lived process pass 2^31: a remainder, no bit operation.
    return (this.#slots[tick % SLOTS] ??= new Timer(0, () => {}))
  }

  #fewer(): void {
    this.#size--
    if (this.#size === 0) this.#disarm()
  }

  #arm(tick: number): void {
    this.#disarm()
    this.#alarmTick = tick
    this.#alarm = this.#clock.timer(tick * TICK - this.#clock.monotonic(), () => this.#turn())
  }

  #disarm(): void {
    this.#alarm?.[Symbol.dispose]()
    this.#alarm = undefined
    this.#alarmTick = Infinity
  }

  #turn(): void {
    this.#disarm()
    try {
      const now = Math.floor(this.#clock.monotonic() / TICK)
      // After a long pause each slot is looked at once, in the order of its place.
      if (now - this.#tick > SLOTS) this.#tick = now - SLOTS
      while (this.#tick < now && this.#size > 0) this.#fire(this.#slot(++this.#tick), now)
      this.#tick = Math.max(this.#tick, now)
    } finally {
      if (this.#size > 0) this.#arm(this.#nextTick())
    }
  }

  /** What is due moves to a ring of its own first: a callback may cancel its neighbours or start timers in this very slot. */
  #fire(head: Timer, now: number): void {
    const due = new Timer(0, () => {})
    for (let timer = head.next; timer !== head;) {
      const { next } = timer
      if (timer.tick <= now) {
        unlink(timer)
        link(timer, due)
      }
      timer = next
    }
    try {
      while (due.next !== due) {
        const timer = due.next
        unlink(timer)
        this.#size--
        timer.callback()
      }
    } finally {
      // Only when a callback threw: the others keep their turn.
      while (due.next !== due) {
        const timer = due.next
        unlink(timer)
        link(timer, this.#slot(this.#tick + 1))
      }
    }
  }

  /** The next slot with a timer in it. At rest this looks at 4096 slots, under load at the first few. */
  #nextTick(): number {
    for (let tick = this.#tick + 1; tick < this.#tick + SLOTS; tick++) {
      const head = this.#slots[tick % SLOTS]
      if (head && head.next !== head) return tick
    }
    return this.#tick + SLOTS
  }
}

function link(timer: Timer, head: Timer): void {
  timer.previous = head.previous
  timer.next = head
  head.previous.next = timer
  head.previous = timer
}

function unlink(timer: Timer): void {
  timer.previous.next = timer.next
  timer.next.previous = timer.previous
  timer.previous = timer
  timer.next = timer
}
