/** Hears a session for the audio analysis: decodes what comes and what leaves, and counts packets that hold no audio of the codec. */
import type { Metrics } from '../../crds/index.ts'
import { type Arrival, AudioAnalyser, type AudioReport, type PacketFacts } from '../quality/index.ts'
import type { Codec, Decoder } from './codec/codec.ts'
import { CODECS } from './codec/codecs.ts'
import { SLIDING_OCTETS } from './codec/packet-loop.ts'

/** 16-bit samples of a codec that has no scale of its own. */
const LARGEST = 32_767

/** What one law of G.711 is to the other. */
interface Law {
  largest: number
  otherLaw: (sample: number) => number
}

/** It has the codec that the session began with: what comes in another one, agreed on later, is only noted as having come. */
export class Listener implements Disposable {
  readonly codec: Codec
  readonly #analyser: AudioAnalyser
  readonly #heard: Decoder
  readonly #sent: Decoder
  readonly #theirs: Timeline
  readonly #ours: Timeline
  readonly #facts: PacketFacts = { audio: 0, otherPayloadType: 0, undecodable: 0 }
  #ssrc: number | undefined

  /** @param startedAt monotonic milliseconds */
  constructor(codec: Codec, startedAt: number) {
    const { sampleRate, clockRate } = codec
    this.codec = codec
    // What was sent is decoded too, so that it is as late as its echo, and of the same sound.
    this.#analyser = new AudioAnalyser({ sampleRate, codingDelay: 0, largest: LARGEST, ...lawOf(codec) }, startedAt)
    this.#heard = codec.decoder()
    this.#sent = codec.decoder()
    this.#theirs = new Timeline(clockRate, sampleRate)
    this.#ours = new Timeline(clockRate, sampleRate)
  }

  /** Audio of the agreed payload type. @param place what it is in its stream; copies and strays are not heard */
  heard(at: number, packet: { ssrc: number; timestamp: number }, payload: Uint8Array, place: Arrival): void {
    this.#facts.audio++
    const anew = packet.ssrc !== this.#ssrc
    if (place === 'Duplicate' || place === 'Stray' || place === 'Straggler') return
    const samples = this.#fits(payload) ? this.#heard.decode(payload) : new Int16Array()
    if (samples.length === 0) {
      this.#facts.undecodable++
      this.#analyser.arrived(at)
      return
    }
    this.#ssrc = packet.ssrc
    this.#analyser.heard(at, this.#theirs.position(at, packet.timestamp, anew), samples)
  }

  /** A packet of a payload type that was not agreed on. */
  unknown(at: number): void {
    this.#facts.audio++
    this.#facts.otherPayloadType++
    this.#analyser.arrived(at)
  }

  /** A packet of the peer without sound in it: an event, comfort noise. */
  arrived(at: number): void {
    this.#analyser.arrived(at)
  }

  /** A packet of our source left. */
  readonly sent = (at: number, timestamp: number, payload: Uint8Array): void => {
    this.#analyser.sent(at, this.#ours.position(at, timestamp, false), this.#sent.decode(payload))
  }

  /** A report of the peer came. @param highest extended sequence number of ours that it names */
  reported(at: number, highest: number | undefined): void {
    this.#analyser.reported(at, highest)
  }

  /** From now on: who sends. Who does not is not missed. */
  expects(at: number, ours: boolean, theirs: boolean): void {
    this.#analyser.expects(at, ours, theirs)
  }

  /** Once. @param endedAt monotonic milliseconds */
  report(endedAt: number): { metrics: Metrics; findings: AudioReport['findings'] } {
    return this.#analyser.report(endedAt, this.#facts)
  }

  [Symbol.dispose](): void {
    this.#heard[Symbol.dispose]()
    this.#sent[Symbol.dispose]()
  }

  /** Of G.711 and G.722 any octets can be decoded; packets of other codecs often have a size that none of theirs has. */
  #fits(payload: Uint8Array): boolean {
    return this.codec.name === 'opus' || payload.length % SLIDING_OCTETS === 0
  }
}

/** Where the packets of a stream begin, samples since its first one: RTP timestamps that do not wrap. */
class Timeline {
  readonly #clockRate: number
  readonly #sampleRate: number
  #position: number | undefined
  #timestamp = 0
  #at = 0

  constructor(clockRate: number, sampleRate: number) {
    this.#clockRate = clockRate
    this.#sampleRate = sampleRate
  }

  /** @param anew another stream begins, behind the one before by the time between them */
  position(at: number, timestamp: number, anew: boolean): number {
    const before = this.#position ?? 0
    const units = anew ? ((at - this.#at) * this.#clockRate) / 1000 : (timestamp - this.#timestamp) | 0
    const position =
      this.#position === undefined ? 0 : before + Math.round((units * this.#sampleRate) / this.#clockRate)
    this.#position = position
    this.#timestamp = timestamp
    this.#at = at
    return position
  }
}

/** Undefined: the codec is not of G.711. */
function lawOf(codec: Codec): Law | undefined {
  const { name } = codec
  if (name !== 'PCMA' && name !== 'PCMU') return undefined
  const words = Uint8Array.from({ length: 256 }, (_, word) => word)
  using own = codec.decoder()
  using other = CODECS[name === 'PCMA' ? 'PCMU' : 'PCMA'].decoder()
  const samples = own.decode(words)
  const others = other.decode(words)
  const meaning = new Map(Array.from(samples, (sample, word) => [sample, others[word] ?? 0]))
  return { largest: Math.max(...samples), otherLaw: (sample) => meaning.get(sample) ?? 0 }
}
