/** The part of @evan/opus that is used here: its WebAssembly build, for which the package has no types. It never loads the native builds beside it. */
declare module '@evan/opus/wasm/index.js' {
  interface Options {
    channels: 1 | 2
    sample_rate: 8000 | 12000 | 16000 | 24000 | 48000
  }

  /** The same for both: memory of the module, which `drop` gives back. */
  abstract class Coder {
    /** @param request a number of opus_defines.h @throws when libopus refuses it */
    ctl(request: number, value: number): number
    /** The value of a request that asks. */
    ctl(request: number): number
    drop(): void
  }

  export class Encoder extends Coder {
    constructor(options: Options & { application: 'voip' | 'audio' | 'restricted_lowdelay' })
    /** @param samples one packet of 16-bit samples */
    encode(samples: ArrayBufferView): Uint8Array
  }

  export class Decoder extends Coder {
    constructor(options: Options)
    /** Octets of 16-bit samples. @throws when it is no packet, or one above 8192 octets */
    decode(packet: ArrayBufferView): Uint8Array
  }
}
