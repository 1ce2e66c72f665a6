/** The SRTP of one session: the keys it has in their turn, and what was refused under all of them. Without keys, packets stay as they are. */
import type { Protection } from './media.ts'
import type { SrtpOutcome } from './srtp/index.ts'

export class ProtectedSession implements Disposable {
  #protection: Protection | undefined
  /** Under keys that are gone. */
  #refused = 0

  get active(): boolean {
    return this.#protection !== undefined
  }

  /** Packets that came and were no packets of the peer, or had been there; undefined: nothing is encrypted. */
  get failures(): number | undefined {
    return this.#protection && this.#refused + refusals(this.#protection)
  }

  /** The first keys, unless there are newer ones, of a handshake that was repeated since. */
  begin(first: Protection): void {
    if (this.#protection) dispose(first)
    else this.#protection = first
  }

  /** The keys before are disposed of, unless they are the same. */
  change(next: Protection): void {
    const before = this.#protection
    if (before?.receiver === next.receiver && before.sender === next.sender) return
    if (before) this.#refused += refusals(before)
    if (before) dispose(before)
    this.#protection = next
  }

  /** @param into at least MOST_OVERHEAD octets longer than the packet. Undefined: it may not leave */
  sealRtp(packet: Buffer, into: Buffer): Buffer | undefined {
    return this.#protection ? packetOf(this.#protection.sender.protectRtp(packet, into)) : packet
  }

  /** Undefined: it may not leave. */
  sealRtcp(packet: Buffer): Buffer | undefined {
    return this.#protection ? packetOf(this.#protection.sender.protectRtcp(packet)) : packet
  }

  /** In the memory of `received`. Undefined: it is refused. */
  openRtp(received: Buffer): Buffer | undefined {
    return this.#protection ? packetOf(this.#protection.receiver.unprotectRtp(received)) : received
  }

  /** As for RTP. */
  openRtcp(received: Buffer): Buffer | undefined {
    return this.#protection ? packetOf(this.#protection.receiver.unprotectRtcp(received)) : received
  }

  [Symbol.dispose](): void {
    if (this.#protection) dispose(this.#protection)
  }
}

function dispose({ sender, receiver }: Protection): void {
  sender[Symbol.dispose]()
  receiver[Symbol.dispose]()
}

function refusals({ receiver }: Protection): number {
  return Object.values(receiver.refusals).reduce((sum, count) => sum + count, 0)
}

function packetOf(outcome: SrtpOutcome): Buffer | undefined {
  return outcome.kind === 'Ok' ? outcome.packet : undefined
}
