/** Keeps a flow as the registrar's Flow-Timer wants it, and finds out when it is dead (RFC 5626 4.4); what then follows is for whoever asked. */
import type { Core } from '../core.ts'
import type { Flow } from '../transport/flow.ts'
import type { Timer } from '../transaction/timer-wheel.ts'

/** 4.4.1: milliseconds that an answer may take. */
const PONG = 10_000

/**
 *     ours  ---- CRLF CRLF (ping) ---->  registrar       between 80 % and 100 % of the interval after the one before
 *     ours  <------- CRLF (pong) ------  registrar       within 10 s, or the flow is dead
 *
 * A connection asks now and then by itself, this is for a registrar that wants it more often. Over UDP the RFC has STUN; there the empty
 * lines keep the NAT open, and nobody answers.
 */
export class FlowKeepAlive implements Disposable {
  readonly #core: Core
  readonly #flow: Flow
  readonly #interval: number
  readonly #dead: () => void
  #timer: Timer

  /** @param interval seconds */
  constructor(core: Core, flow: Flow, interval: number, dead: () => void) {
    this.#core = core
    this.#flow = flow
    this.#interval = interval
    this.#dead = dead
    this.#timer = this.#next()
  }

  [Symbol.dispose](): void {
    this.#timer.cancel()
  }

  #next(): Timer {
    const { wheel, random } = this.#core
    return wheel.start(this.#interval * (800 + 200 * random()), () => this.#ping())
  }

  #ping(): void {
    const { clock, wheel } = this.#core
    const sent = clock.monotonic()
    this.#flow.send('\r\n\r\n')
    if (!this.#flow.reliable) this.#timer = this.#next()
    else {
      this.#timer = wheel.start(PONG, () => {
        if (this.#flow.heardAt >= sent) this.#timer = this.#next()
        else this.#dead()
      })
    }
  }
}
