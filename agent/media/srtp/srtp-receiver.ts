/** Checks and decrypts what a peer sends under its master key, RTP and RTCP of any of its SSRCs (RFC 3711, RFC 7714); it receives nothing. */
import { HEADER_LENGTH, headerLength, sequenceNumber, ssrc } from '../rtp.ts'
import { type RefusalReason, Refusals, type SrtpOutcome } from './outcome.ts'
import { estimateIndex } from './packet-index.ts'
import type { MasterKey } from './session-keys.ts'
import { LAST_INDEX, setPosition, SourceIndices } from './source-indices.ts'
import { ENCRYPTED, type Position, RTCP_HEADER, type Transform } from './transform.ts'
import { createTransform } from './transforms.ts'

export class SrtpReceiver implements Disposable {
  readonly #rtp: Transform
  readonly #rtcp: Transform
  readonly #mki: Buffer
  readonly #rtpIndices = new SourceIndices(LAST_INDEX.RTP)
  readonly #rtcpIndices = new SourceIndices(LAST_INDEX.RTCP)
  readonly #refusals = new Refusals()
  /** One for all packets. */
  readonly #position: Position = { ssrc: 0, rollover: 0, sequenceNumber: 0 }
  #disposed = false

  /**
   * @param mki what each packet of the peer has beside its tag (RFC 3711 3.1); empty: nothing
   * @throws RangeError when key or salt have not the length of the suite
   */
  constructor(master: MasterKey, mki: Uint8Array = new Uint8Array()) {
    this.#rtp = createTransform(master, 'RTP')
    this.#rtcp = createTransform(master, 'RTCP')
    this.#mki = Buffer.from(mki)
  }

  get refusals(): Readonly<Record<RefusalReason, number>> {
    return this.#refusals.counts
  }

  /** The RTP packet, decrypted in the memory of `received`. A packet that is refused changes nothing but its count, and MKI and tag in that memory. */
  unprotectRtp(received: Buffer): SrtpOutcome {
    const reason = this.#unfit(received, HEADER_LENGTH, this.#rtp)
    if (reason !== undefined) return this.#refusals.refuse(reason)
    const packet = this.#withoutMki(received, this.#rtp)
    const header = headerLength(packet)
    if (header + this.#rtp.overhead > packet.length) return this.#refusals.refuse('Malformed')
    const source = ssrc(packet)
    const index = estimateIndex(this.#rtpIndices.highest(source), sequenceNumber(packet))
    const judged = this.#rtpIndices.judge(source, index)
    if (judged !== 'New') return this.#refusals.refuse(judged)
    setPosition(this.#position, source, index)
    if (!this.#rtp.open(packet, header, this.#position)) return this.#refusals.refuse('Authentication')
    this.#rtpIndices.mark(source, index)
    return { kind: 'Ok', packet: packet.subarray(0, packet.length - this.#rtp.overhead) }
  }

  /** The compound RTCP packet, decrypted in the memory of `received`; the rest is as for RTP. */
  unprotectRtcp(received: Buffer): SrtpOutcome {
    const reason = this.#unfit(received, RTCP_HEADER, this.#rtcp)
    if (reason !== undefined) return this.#refusals.refuse(reason)
    const packet = this.#withoutMki(received, this.#rtcp)
    const word = packet.readUInt32BE(this.#rtcp.wordOffset(packet.length))
    if (word < ENCRYPTED) return this.#refusals.refuse('NotEncrypted')
    const source = packet.readUInt32BE(4)
    const index = word - ENCRYPTED
    const judged = this.#rtcpIndices.judge(source, index)
    if (judged !== 'New') return this.#refusals.refuse(judged)
    setPosition(this.#position, source, index)
    if (!this.#rtcp.open(packet, RTCP_HEADER, this.#position)) return this.#refusals.refuse('Authentication')
    this.#rtcpIndices.mark(source, index)
    return { kind: 'Ok', packet: packet.subarray(0, packet.length - this.#rtcp.overhead) }
  }

  /** Overwrites the keys, and everything after that is refused. What is inside the system's ciphers goes with this object. */
  [Symbol.dispose](): void {
    this.#disposed = true
    this.#rtp[Symbol.dispose]()
    this.#rtcp[Symbol.dispose]()
  }

  #unfit(received: Buffer, header: number, { overhead, trailingTag }: Transform): RefusalReason | undefined {
    if (this.#disposed) return 'Disposed'
    if (received.length < header + overhead + this.#mki.length) return 'TooShort'
    if (received.readUInt8(0) >> 6 !== 2) return 'Malformed'
    const end = received.length - trailingTag
    for (let index = 0; index < this.#mki.length; index++) {
      if (received[end - this.#mki.length + index] !== this.#mki[index]) return 'UnknownKey'
    }
    return undefined
  }

  /** Closes the gap that the MKI leaves before the tag. */
  #withoutMki(received: Buffer, { trailingTag }: Transform): Buffer {
    if (this.#mki.length === 0) return received
    const end = received.length - trailingTag
    received.copyWithin(end - this.#mki.length, end)
    return received.subarray(0, received.length - this.#mki.length)
  }
}
