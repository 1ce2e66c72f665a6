/** The memory in which packets are written before they leave: the same for all senders of an agent, so that it stays in the processor's cache. */

/** A packet is the system's when `send` returns, unless the socket's buffer was full: then its memory is kept for it, and the next one has another. */
export class PacketBuffers {
  readonly #byLength = new Map<number, Buffer>()

  /** With whatever was in it; used up to the next call. */
  room(length: number): Buffer {
    const used = this.#byLength.get(length)
    if (used) return used
    const buffer = Buffer.alloc(length)
    this.#byLength.set(length, buffer)
    return buffer
  }

  /** It is on its way still. */
  leave(buffer: Buffer): void {
    if (this.#byLength.get(buffer.length) === buffer) this.#byLength.delete(buffer.length)
  }
}
