/** What a suite does to the octets of one packet, of RTP or of RTCP: the contract. Which packet it is, and whether it was there before, others know. */

/** Where a packet stands in the keystream; an index of RTCP, 31 bits, is in the lower ones of both. */
export interface Position {
  ssrc: number
  /** 32 bits: the rollover counter. */
  rollover: number
  /** 16 bits. */
  sequenceNumber: number
}

/**
 * What becomes of the octets after the header, with their tag; of RTCP the word with E bit and index comes in (RFC 3711 3.1, 3.4, RFC 7714 9):
 *
 *     CM   RTP   | header | encrypted | tag |           GCM  RTP   | header | encrypted | tag |
 *     CM   RTCP  | header | encrypted | E, index | tag |     GCM  RTCP  | header | encrypted | tag | E, index |
 */
export interface Transform extends Disposable {
  /** Octets that a packet becomes longer by: the tag, and of RTCP the word. */
  readonly overhead: number
  /** Octets of the tag where it is the last thing in a packet, else 0: an MKI stands before it. */
  readonly trailingTag: number
  /** Offset of the word in a protected RTCP packet of `length` octets. */
  wordOffset(length: number): number
  /**
   * Protects in place what is in all of `packet` but the last `overhead` octets.
   * @param header octets that stay readable
   */
  seal(packet: Buffer, header: number, at: Position): void
  /** The way back, in place: the packet is then all but the last `overhead` octets. False: it is not authentic, and nothing was changed. */
  open(packet: Buffer, header: number, at: Position): boolean
}

/** The E bit of RFC 3711 3.4, above 31 bits of index. */
export const ENCRYPTED = 0x8000_0000
export const WORD = 4

/** Of a compound RTCP packet stays readable what its first packet begins with: its header and the SSRC (RFC 3711 3.4). */
export const RTCP_HEADER = 8

/** E bit and index of an RTCP packet that is encrypted. */
export function encryptedWord({ rollover, sequenceNumber }: Position): number {
  return ENCRYPTED + rollover * 0x1_0000 + sequenceNumber
}
