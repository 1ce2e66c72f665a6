/** Everything that is measured of a received video stream from arrival stamps and what packets say: frames, their rate and size, freezes. */
import { Frames, type VideoPacket } from './frames.ts'
import { Freezes } from './freezes.ts'

export interface VideoSummary {
  /** Frames that could be shown: whole, and so was each since the last key frame. */
  frames: number
  keyFrames: number
  /** Frames of which something came and something never did. */
  incompleteFrames: number
  /** Frames a second, from the first that was shown to the last, or to the end when the picture stood still then; absent: fewer than two. */
  frameRate?: number
  /** Pixels, of the last key frame; absent: none came. */
  width?: number
  height?: number
  freezes: number
  /** Milliseconds. */
  freezeTime: number
}

/** About 20 KB a stream, however long; nothing is allocated per packet or frame. */
export class VideoStatistics {
  readonly #freezes = new Freezes()
  readonly #frames = new Frames((at, key) => this.#shown(at, key))
  #count = 0
  #keyFrames = 0
  #width = 0
  #height = 0
  #firstShown = 0
  #lastShown = 0
  #mark: { at: number; count: number } | undefined

  /** @param at monotonic milliseconds, in order of arrival */
  receive(at: number, packet: VideoPacket): void {
    this.#mark ??= { at, count: 0 }
    if (packet.width > 0) {
      this.#width = packet.width
      this.#height = packet.height
    }
    this.#frames.receive(at, packet)
  }

  /** Everything below this sequence number was shown or will not be. */
  get next(): number {
    return this.#frames.next
  }

  /** Monotonic milliseconds; since then a whole frame cannot be shown, because of a hole before it or without a key frame. */
  get waitingSince(): number | undefined {
    return this.#frames.waitingSince
  }

  /** Frames shown a second since the last call, or the first packet; undefined: no packet came. @param at monotonic milliseconds */
  frameRateSince(at: number): number | undefined {
    const mark = this.#mark
    if (!mark || at <= mark.at) return undefined
    const rate = ((this.#count - mark.count) * 1000) / (at - mark.at)
    mark.at = at
    mark.count = this.#count
    return rate
  }

  /** Undefined: nothing of a frame came. @param endedAt monotonic milliseconds at which either side stopped, or now */
  summary(endedAt: number): VideoSummary | undefined {
    if (this.#frames.begun === 0) return undefined
    const { count, time, lasts } = this.#freezes.until(endedAt)
    const summary: VideoSummary = {
      frames: this.#count,
      keyFrames: this.#keyFrames,
      incompleteFrames: this.#frames.incomplete,
      freezes: count,
      freezeTime: time,
    }
    const duration = (lasts ? endedAt : this.#lastShown) - this.#firstShown
    if (this.#count > 1 && duration > 0) summary.frameRate = ((this.#count - 1) * 1000) / duration
    if (this.#width > 0) {
      summary.width = this.#width
      summary.height = this.#height
    }
    return summary
  }

  #shown(at: number, key: boolean): void {
    if (this.#count === 0) this.#firstShown = at
    this.#lastShown = at
    this.#count++
    if (key) this.#keyFrames++
    this.#freezes.shown(at)
  }
}
