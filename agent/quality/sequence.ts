/** The sequence bookkeeping of RFC 3550 A.1 and A.3 that goes into our reception reports; our own loss figure is `arrival-window.ts`. */

/** A larger step forward is a restart of the sender, not loss (RFC 3550 A.1). */
export const MAX_DROPOUT = 3000
/** A packet this far behind or less is a late one (RFC 3550 A.1). */
const MAX_MISORDER = 100
const SEQUENCE_NUMBERS = 1 << 16
/** No sequence number equals it. */
const NONE = SEQUENCE_NUMBERS + 1

/** What RFC 3550 6.4.1 puts into a report block about loss. */
export interface LossReport {
  /** Lost of the packets expected since the last report, 0 to 255 (256ths). */
  fractionLost: number
  /** Since the beginning, 24 bit signed: duplicates make it smaller. */
  cumulativeLost: number
  /** Cycles in the upper 16 bits, highest sequence number received in the lower. */
  extendedHighest: number
  /** Expected since the last report; 0: nothing new came. */
  expectedSince: number
  /** Of those, lost; below 0 when more came late, or twice, than were lost. */
  lostSince: number
}

export class SequenceState {
  #maximum = 0
  #cycles = 0
  #base = 0
  #badSequence = NONE
  #probation = 1
  #started = false
  #received = 0
  #expectedPrior = 0
  #receivedPrior = 0

  /** RFC 3550 A.1 `update_seq` with MIN_SEQUENTIAL 2. False: not a valid packet of this source (yet). */
  update(sequenceNumber: number): boolean {
    if (!this.#started) {
      this.#started = true
      this.#begin(sequenceNumber)
      this.#maximum = (sequenceNumber - 1) & 0xffff
      this.#probation = 2
    }
    if (this.#probation > 0) return this.#probe(sequenceNumber)
    const step = (sequenceNumber - this.#maximum) & 0xffff
    if (step < MAX_DROPOUT) {
      if (sequenceNumber < this.#maximum) this.#cycles += SEQUENCE_NUMBERS
      this.#maximum = sequenceNumber
    } else if (step <= SEQUENCE_NUMBERS - MAX_MISORDER) {
      if (sequenceNumber !== this.#badSequence) {
        this.#badSequence = (sequenceNumber + 1) & 0xffff
        return false
      }
      this.#begin(sequenceNumber)
    }
    this.#received++
    return true
  }

  /** RFC 3550 A.3; begins the next interval. Undefined: no valid packet yet. */
  report(): LossReport | undefined {
    if (!this.#started || this.#probation > 0) return undefined
    const extendedHighest = this.#cycles + this.#maximum
    const expected = extendedHighest - this.#base + 1
    const lost = expected - this.#received
    const expectedInterval = expected - this.#expectedPrior
    const lostInterval = expectedInterval - (this.#received - this.#receivedPrior)
    this.#expectedPrior = expected
    this.#receivedPrior = this.#received
    return {
      fractionLost: lostInterval <= 0 ? 0 : Math.min(255, Math.floor((256 * lostInterval) / expectedInterval)),
      cumulativeLost: Math.max(-0x80_0000, Math.min(0x7f_ffff, lost)),
      extendedHighest: extendedHighest % 2 ** 32,
      expectedSince: expectedInterval,
      lostSince: lostInterval,
    }
  }

  #probe(sequenceNumber: number): boolean {
    if (sequenceNumber !== ((this.#maximum + 1) & 0xffff)) {
      this.#probation = 1
      this.#maximum = sequenceNumber
      return false
    }
    this.#probation--
    this.#maximum = sequenceNumber
    if (this.#probation > 0) return false
    this.#begin(sequenceNumber)
    this.#received = 1
    return true
  }

  #begin(sequenceNumber: number): void {
    this.#base = sequenceNumber
    this.#maximum = sequenceNumber
    this.#badSequence = NONE
    this.#cycles = 0
    this.#received = 0
    this.#receivedPrior = 0
    this.#expectedPrior = 0
  }
}
