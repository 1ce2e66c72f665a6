/** A 2xx that is sent again until its ACK comes (RFC 3261 13.3.1.4), over any transport. */
import type { Timer, TimerWheel } from './timer-wheel.ts'
import { T1, T2, TRANSACTION_TIMEOUT } from './timers.ts'

export interface Accepted {
  /** The ACK came, or nobody waits for it any more. */
  stop(): void
}

/** @param again sends it once more  @param gaveUp no ACK came in 64*T1 */
export function awaitAcknowledgement(wheel: TimerWheel, again: () => void, gaveUp: () => void): Accepted {
  let timer: Timer
  const retransmitAfter = (interval: number): void => {
    timer = wheel.start(interval, () => {
      again()
      retransmitAfter(Math.min(interval * 2, T2))
    })
  }
  retransmitAfter(T1)
  const limit = wheel.start(TRANSACTION_TIMEOUT, () => {
    timer.cancel()
    gaveUp()
  })
  return {
    stop() {
      timer.cancel()
      limit.cancel()
    },
  }
}
