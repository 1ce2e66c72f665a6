/** Text to bytes for datagrams, written one behind the other into large blocks, so that few blocks are made for many of them. It sends nothing. */

/** Bytes of a block; a few hundred messages. */
const BLOCK = 262_144

/** UTF-8 takes at most three bytes for a UTF-16 code unit. */
const MOST_BYTES_A_UNIT = 3

export class Datagrams {
  #block = Buffer.allocUnsafeSlow(BLOCK)
  #used = 0

  /** The bytes stay as they are for as long as somebody holds them: a datagram may wait for the kernel, so no place is written twice. */
  write(text: string): Buffer {
    const most = text.length * MOST_BYTES_A_UNIT
    if (most > BLOCK) return Buffer.from(text)
    if (this.#used + most > BLOCK) {
      this.#block = Buffer.allocUnsafeSlow(BLOCK)
      this.#used = 0
    }
    const start = this.#used
    this.#used += this.#block.write(text, start)
    return this.#block.subarray(start, this.#used)
  }
}
