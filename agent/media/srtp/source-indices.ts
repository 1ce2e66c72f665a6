/** The packet indices of each SSRC under one key: which may be used, and which were. A bounded number of SSRCs; no keys. */
import { ReplayWindow } from './packet-index.ts'
import type { Position } from './transform.ts'

/** A call has one or two, and a new one with each restart of the peer's media. Each costs 200 octets. */
export const MOST_SOURCES = 64

/** RFC 3711 9.2: so many packets a key, those of RTP with a rollover counter of 32 bits. */
export const LAST_INDEX = { RTP: 2 ** 48 - 1, RTCP: 2 ** 31 - 1 } as const

export class SourceIndices {
  readonly #last: number
  readonly #windows = new Map<number, ReplayWindow>()

  /** @param last the largest index that there is */
  constructor(last: number) {
    this.#last = last
  }

  /** -1: none was used. */
  highest(ssrc: number): number {
    return this.#windows.get(ssrc)?.highest ?? -1
  }

  judge(ssrc: number, index: number): 'New' | 'Replay' | 'TooOld' | 'TooManySources' | 'Exhausted' {
    if (index > this.#last) return 'Exhausted'
    const window = this.#windows.get(ssrc)
    if (window !== undefined) return window.judge(index)
    return this.#windows.size < MOST_SOURCES ? 'New' : 'TooManySources'
  }

  /** Only what was judged new and is authentic may be marked: a forger takes no room, and moves no window. */
  mark(ssrc: number, index: number): void {
    let window = this.#windows.get(ssrc)
    if (window === undefined) {
      window = new ReplayWindow()
      this.#windows.set(ssrc, window)
    }
    window.mark(index)
  }
}

export function setPosition(position: Position, ssrc: number, index: number): void {
  position.ssrc = ssrc
  position.sequenceNumber = index % 0x1_0000
  position.rollover = (index - position.sequenceNumber) / 0x1_0000
}
