/** What a codec is to us: what it is called in SDP, its rates, how its packets are made before calls and decoded in them. */
import type { PacketLoop } from './packet-loop.ts'

/** Encoding names as RFC 3551 and RFC 7587 register them. */
export type CodecName = 'PCMA' | 'PCMU' | 'G722' | 'opus'

/** None of them needs format parameters: the defaults of RFC 7587 say what we do with Opus, one channel sent and either one taken. */
export interface Codec {
  readonly name: CodecName
  /** RTP timestamp units a second. */
  readonly clockRate: number
  /** Samples a second of what is encoded and of what comes out of the decoder; one channel. */
  readonly sampleRate: number
  /** Of the rtpmap; what we send and analyse has one. */
  readonly channels: 1 | 2
  /** The static payload type (RFC 3551 table 4); absent: one is agreed on. */
  readonly payloadType?: number
  /** Packet times that it can fill, whole milliseconds, ascending. */
  readonly ptimes: readonly number[]
  /** Of what we send, kbit/s, without any header. */
  readonly bitRate: number
  /** The scale that its quality is judged on: 300 to 3400 Hz, 50 to 7000 Hz, all that is heard. */
  readonly bandwidth: 'Narrowband' | 'Wideband' | 'Fullband'
  /** Milliseconds by which the decoded signal is behind, without packetization. */
  readonly codingDelay: number
  /**
   * The packets of a signal that begins again at its end. For use before calls: it takes its time.
   * @param loop at `sampleRate`, a whole number of packets for Opus, of milliseconds for the others @param ptime one of `ptimes`
   */
  encode(loop: Int16Array, ptime: number): PacketLoop
  /** A decoder for the payloads of one stream, in their order. Dispose of it when the stream is over. */
  decoder(): Decoder
}

/** It does not conceal: what was lost is not its matter, and for analysis silence in its place. Its state goes on with the next payload. */
export interface Decoder extends Disposable {
  /** The samples of one payload at `sampleRate`; none when it is none of the codec. */
  decode(payload: Uint8Array): Int16Array
}

/** Of codecs whose octets stand each for itself: 1 to 200 ms (RFC 3551 4.2). */
export const ANY_PTIME: readonly number[] = Array.from({ length: 200 }, (_, index) => index + 1)
