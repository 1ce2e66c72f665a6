/** What all sessions send: packets of signals and of users' recordings, encoded when they are first asked for, once for all. It keeps no place in them. */
import type { Codec } from '../codec/codec.ts'
import type { PacketLoop } from '../codec/packet-loop.ts'
import { resample } from './resample.ts'
import { LOOP_UNIT, type Signal, signal } from './signals.ts'
import type { Recording } from './wave-file.ts'

export type Played = Signal | { kind: 'Recording'; recording: Recording }

export class Sources {
  readonly #signals = new Map<string, PacketLoop>()
  /** A recording's packets go when nobody has the recording any more. */
  readonly #recordings = new WeakMap<Recording, Map<string, PacketLoop>>()

  /**
   * The first question for a combination takes its time: 10 ms for a signal in G.711, up to a second for minutes of Opus. So it is asked
   * before calls.
   * @param ptime one of the codec's
   */
  packets(codec: Codec, ptime: number, played: Played): PacketLoop {
    if (played.kind !== 'Recording') {
      return remembered(this.#signals, `${codec.name} ${ptime} ${JSON.stringify(played)}`, () =>
        codec.encode(signal(played, codec.sampleRate), ptime),
      )
    }
    const { recording } = played
    let encoded = this.#recordings.get(recording)
    if (!encoded) this.#recordings.set(recording, (encoded = new Map()))
    return remembered(encoded, `${codec.name} ${ptime}`, () => codec.encode(loopOf(recording, codec.sampleRate), ptime))
  }
}

function remembered(known: Map<string, PacketLoop>, key: string, encode: () => PacketLoop): PacketLoop {
  let packets = known.get(key)
  if (!packets) known.set(key, (packets = encode()))
  return packets
}

/** A recording at the rate of a codec, with silence behind it up to whole packets. */
function loopOf({ samples, sampleRate }: Recording, rate: number): Int16Array {
  const resampled = resample(samples, sampleRate, rate)
  const unit = (LOOP_UNIT * rate) / 1000
  const loop = new Int16Array(Math.ceil(resampled.length / unit) * unit)
  loop.set(resampled)
  return loop
}
