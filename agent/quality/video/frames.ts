/** Which frames of a video stream are whole and can be shown, from the packets that arrived. It looks at no octet of a payload. */

/** What counts of a packet. The same object may be filled anew for each packet: nothing is kept of it. */
export interface VideoPacket {
  /** Unwrapped, as `ExtendedSequence` counts. */
  sequenceNumber: number
  /** RTP timestamp, 32 bit: the same for all packets of a frame. */
  timestamp: number
  /** Set on the last packet of a frame (RFC 7741 4.1, RFC 6184 5.1). */
  marker: boolean
  /** The payload says that a frame begins with it, whatever came before. */
  begins: boolean
  /** Of a key frame; it is enough that one packet of the frame knows it. */
  key: boolean
  /** Of a picture: parameter sets and padding are none. */
  picture: boolean
  /** No payload: it has a sequence number and is of no frame. */
  padding: boolean
  /** Pixels, where the payload says them; 0: it does not. */
  width: number
  height: number
}

/** Packets that are remembered: key frames of a hundred packets, and what is asked for again, stay inside. */
const WINDOW = 1024
/** Timestamps that are remembered, to count a frame once although its packets come mixed with those of others. */
const TIMESTAMPS = 32

const BEGINS = 1
const MARKER = 2
const KEY = 4
const PICTURE = 8
const PADDING = 16
const COUNTED = 32

/**
 *     sequence   10   11   12 | 13   14 | 15   16 | 17   18   19      M: marker, K: key frame
 *                K         M  |      M  |      M  | K         M
 *     arrived    x    x    x  | x    x  | .    x  | x    x    x
 *                shown          shown     never     shown
 *
 * A frame is whole when all is there from its first packet to its marker. It can be shown when it is whole and a key frame, or whole and
 * next to one that was shown: after a hole nothing is shown until the hole is filled or a key frame comes. That streams also have frames
 * that no other refers to is not looked at: losing one of them costs as much as losing any.
 */
export class Frames {
  readonly #shown: (at: number, key: boolean) => void
  readonly #numbers = new Float64Array(WINDOW).fill(-1)
  readonly #timestamps = new Uint32Array(WINDOW)
  readonly #flags = new Uint8Array(WINDOW)
  readonly #seen = new Float64Array(TIMESTAMPS).fill(-1)
  #seenCount = 0
  #newestIsWhole = true
  #whole = 0
  /** Number behind the last frame that was shown; -1: none was. */
  #next = -1
  /** Last number of the newest whole frame. */
  #newestWhole = -1
  #waitingSince: number | undefined

  /** @param shown told of each frame, in their order, at the arrival of what made it possible */
  constructor(shown: (at: number, key: boolean) => void) {
    this.#shown = shown
  }

  /** Frames of which a packet came. */
  get begun(): number {
    return this.#seenCount
  }

  /** Frames that were never whole; the newest one, which may still be arriving, does not count. */
  get incomplete(): number {
    return this.#seenCount - this.#whole - (this.#newestIsWhole ? 0 : 1)
  }

  /** Everything below was shown or will not be. */
  get next(): number {
    return this.#next
  }

  /** Monotonic milliseconds; since then a whole frame waits behind a hole, or for the first key frame. */
  get waitingSince(): number | undefined {
    return this.#waitingSince
  }

  /** @param at monotonic milliseconds of arrival */
  receive(at: number, packet: VideoPacket): void {
    if (!this.#keep(packet)) return
    if (packet.padding) {
      if (this.#next >= 0) this.#advance(at)
      return
    }
    this.#see(packet.timestamp)
    const end = this.#end(packet.sequenceNumber)
    const start = this.#start(packet.sequenceNumber)
    if (end < 0 || start < 0 || this.#flag(end) & COUNTED) return
    this.#count(start, end, packet.timestamp)
    if (start >= this.#next && this.#flagsOf(start, end) & KEY) this.#next = start
    if (this.#next >= 0) this.#advance(at)
    else this.#waitingSince ??= at
  }

  /** False: it was there, or nobody remembers. */
  #keep(packet: VideoPacket): boolean {
    const { sequenceNumber } = packet
    const slot = sequenceNumber % WINDOW
    if ((this.#numbers[slot] ?? 0) >= sequenceNumber) return false
    this.#numbers[slot] = sequenceNumber
    this.#timestamps[slot] = packet.timestamp
    this.#flags[slot] =
      (packet.begins ? BEGINS : 0) |
      (packet.marker ? MARKER : 0) |
      (packet.key ? KEY : 0) |
      (packet.picture ? PICTURE : 0) |
      (packet.padding ? PADDING : 0)
    return true
  }

  #see(timestamp: number): void {
    if (this.#seen.includes(timestamp)) return
    this.#seen[this.#seenCount % TIMESTAMPS] = timestamp
    this.#seenCount++
    this.#newestIsWhole = false
  }

  /** A frame without a picture, as some send parameter sets, is whole but none that counts. */
  #count(start: number, end: number, timestamp: number): void {
    this.#flags[end % WINDOW] = this.#flag(end) | COUNTED
    this.#newestWhole = Math.max(this.#newestWhole, end)
    if (!(this.#flagsOf(start, end) & PICTURE)) return
    this.#whole++
    if (this.#seen[(this.#seenCount - 1) % TIMESTAMPS] === timestamp) this.#newestIsWhole = true
  }

  /** Shows what follows, one frame after the other, as far as they are whole. */
  #advance(at: number): void {
    const before = this.#next
    for (;;) {
      while (this.#has(this.#next) && this.#flag(this.#next) & PADDING) this.#next++
      const end = this.#has(this.#next) ? this.#end(this.#next) : -1
      if (end < 0) break
      const flags = this.#flagsOf(this.#next, end)
      this.#next = end + 1
      if (flags & PICTURE) this.#shown(at, (flags & KEY) !== 0)
    }
    if (this.#newestWhole < this.#next) this.#waitingSince = undefined
    else if (this.#next > before) this.#waitingSince = at
    else this.#waitingSince ??= at
  }

  #has(number: number): boolean {
    return number >= 0 && this.#numbers[number % WINDOW] === number
  }

  #flag(number: number): number {
    return this.#flags[number % WINDOW] ?? 0
  }

  #flagsOf(start: number, end: number): number {
    let flags = 0
    for (let number = start; number <= end; number++) flags |= this.#flag(number)
    return flags
  }

  /** The marker of the frame that the packet is of; -1: not all up to it is there. */
  #end(number: number): number {
    const timestamp = this.#timestamps[number % WINDOW]
    for (let last = number; this.#has(last) && this.#timestamps[last % WINDOW] === timestamp; last++) {
      if (this.#flag(last) & MARKER) return last
    }
    return -1
  }

  /** The first packet of the frame; -1: not known, because what comes before it is missing and it does not say so itself. */
  #start(number: number): number {
    const timestamp = this.#timestamps[number % WINDOW]
    let first = number
    while (this.#has(first - 1) && this.#timestamps[(first - 1) % WINDOW] === timestamp) {
      if (this.#flag(first - 1) & (MARKER | PADDING)) break
      first--
    }
    return this.#has(first - 1) || this.#flag(first) & BEGINS ? first : -1
  }
}
