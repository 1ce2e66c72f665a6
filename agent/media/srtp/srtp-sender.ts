/** Protects what we send under one master key, RTP and RTCP of any of our SSRCs (RFC 3711, RFC 7714); it sends nothing. */
import { HEADER_LENGTH, headerLength, isRtp, sequenceNumber, ssrc } from '../rtp.ts'
import { type RefusalReason, Refusals, type SrtpOutcome } from './outcome.ts'
import { estimateIndex } from './packet-index.ts'
import type { MasterKey } from './session-keys.ts'
import { LAST_INDEX, setPosition, SourceIndices } from './source-indices.ts'
import { RTCP_HEADER, type Position, type Transform } from './transform.ts'
import { createTransform } from './transforms.ts'

/** Octets that a protected RTP packet is at most longer by: the tag of GCM. */
export const MOST_OVERHEAD = 16

export class SrtpSender implements Disposable {
  readonly #rtp: Transform
  readonly #rtcp: Transform
  readonly #rtpIndices = new SourceIndices(LAST_INDEX.RTP)
  readonly #rtcpIndices = new SourceIndices(LAST_INDEX.RTCP)
  readonly #refusals = new Refusals()
  /** One for all packets. */
  readonly #position: Position = { ssrc: 0, rollover: 0, sequenceNumber: 0 }
  #disposed = false

  /** @throws RangeError when key or salt have not the length of the suite */
  constructor(master: MasterKey) {
    this.#rtp = createTransform(master, 'RTP')
    this.#rtcp = createTransform(master, 'RTCP')
  }

  get refusals(): Readonly<Record<RefusalReason, number>> {
    return this.#refusals.counts
  }

  /**
   * `packet` in its protected form, at the beginning of `into`. The rollover counter begins with the first packet of an SSRC: begin with a
   * sequence number below 2^15, so that a peer that misses the first packets counts as we do (RFC 3711 3.3.1). A sequence number that was
   * used is refused as `Replay`: two packets under one keystream would show both.
   * @param into at least MOST_OVERHEAD octets longer than the packet; it may be the memory that the packet is the beginning of
   * @throws RangeError when it is too short
   */
  protectRtp(packet: Buffer, into: Buffer): SrtpOutcome {
    if (this.#disposed) return this.#refusals.refuse('Disposed')
    if (packet.length < HEADER_LENGTH) return this.#refusals.refuse('TooShort')
    if (!isRtp(packet)) return this.#refusals.refuse('Malformed')
    const length = packet.length + this.#rtp.overhead
    if (into.length < length)
      throw new RangeError(`a packet protected is ${length} octets, there is room for ${into.length}`)
    const source = ssrc(packet)
    const index = estimateIndex(this.#rtpIndices.highest(source), sequenceNumber(packet))
    const judged = this.#rtpIndices.judge(source, index)
    if (judged !== 'New') return this.#refusals.refuse(judged)
    this.#rtpIndices.mark(source, index)
    setPosition(this.#position, source, index)
    const sealed = into.subarray(0, length)
    packet.copy(sealed)
    this.#rtp.seal(sealed, headerLength(packet), this.#position)
    return { kind: 'Ok', packet: sealed }
  }

  /** A compound packet in its protected form, under the next index of the SSRC that it begins with. */
  protectRtcp(packet: Buffer): SrtpOutcome {
    if (this.#disposed) return this.#refusals.refuse('Disposed')
    if (packet.length < RTCP_HEADER) return this.#refusals.refuse('TooShort')
    if (packet.readUInt8(0) >> 6 !== 2) return this.#refusals.refuse('Malformed')
    const source = packet.readUInt32BE(4)
    const index = this.#rtcpIndices.highest(source) + 1
    const judged = this.#rtcpIndices.judge(source, index)
    if (judged !== 'New') return this.#refusals.refuse(judged)
    this.#rtcpIndices.mark(source, index)
    setPosition(this.#position, source, index)
    const sealed = Buffer.alloc(packet.length + this.#rtcp.overhead)
    packet.copy(sealed)
    this.#rtcp.seal(sealed, RTCP_HEADER, this.#position)
    return { kind: 'Ok', packet: sealed }
  }

  /** Overwrites the keys, and everything after that is refused. What is inside the system's ciphers goes with this object. */
  [Symbol.dispose](): void {
    this.#disposed = true
    this.#rtp[Symbol.dispose]()
    this.#rtcp[Symbol.dispose]()
  }
}
