/** Opus (RFC 6716, 7587) by libopus as WebAssembly: one channel at a constant bit rate. The library is loaded with the first use. */
import { createRequire } from 'node:module'
import type * as Library from '@evan/opus/wasm/index.js'
import type { Codec } from './codec.ts'
import { inTurn } from './packet-loop.ts'

const SAMPLE_RATE = 48_000
/** kbit/s: within what RFC 7587 3.1.1 advises for fullband speech in one channel. */
const BIT_RATE = 32
/** Samples after which the state of the encoder is that of the signal: 480 ms, whole packets of every time. */
const SETTLING = 23_040
/** Requests of opus_defines.h. */
const SET_BITRATE = 4002
const SET_VBR = 4006

const require = createRequire(import.meta.url)

/** 16 ms and 6 MB that an agent without such calls does not pay; Node keeps what was loaded. */
function library(): typeof Library {
  return require('@evan/opus/wasm/index.js')
}

/**
 * The bit rate is constant, so that all packets of a stream have one size: what a call costs is known beforehand, their buffers are used
 * again, and the sizes of encrypted ones tell nothing (RFC 6562).
 */
export const OPUS: Codec = {
  name: 'opus',
  clockRate: 48_000,
  sampleRate: SAMPLE_RATE,
  channels: 2,
  ptimes: [5, 10, 20, 40, 60],
  bitRate: BIT_RATE,
  bandwidth: 'Fullband',
  // OPUS_GET_LOOKAHEAD of the encoder: 312 samples.
  codingDelay: 6.5,
  encode(loop, ptime) {
    const { Encoder } = library()
    const encoder = new Encoder({ channels: 1, sample_rate: SAMPLE_RATE, application: 'audio' })
    try {
      encoder.ctl(SET_BITRATE, 1000 * BIT_RATE)
      encoder.ctl(SET_VBR, 0)
      const size = (ptime * SAMPLE_RATE) / 1000
      const packets = (samples: Int16Array) =>
        Array.from({ length: samples.length / size }, (_, index) =>
          encoder.encode(samples.subarray(index * size, (index + 1) * size)),
        )
      // The state at its end comes first, so that its beginning goes on from there.
      packets(loop.subarray(-SETTLING))
      return inTurn(packets(loop))
    } finally {
      encoder.drop()
    }
  },
  decoder() {
    const { Decoder } = library()
    const decoder = new Decoder({ channels: 1, sample_rate: SAMPLE_RATE })
    return {
      decode(payload) {
        // Asked without a payload, libopus would conceal a loss of 120 ms.
        if (payload.length === 0) return new Int16Array()
        try {
          const octets = decoder.decode(payload)
          return new Int16Array(octets.buffer, octets.byteOffset, octets.length / 2)
        } catch {
          // No packet of Opus, or longer than one can be.
          return new Int16Array()
        }
      },
      [Symbol.dispose]: () => decoder.drop(),
    }
  },
}
