/** A user's WAV file, from its octets to one channel of 16-bit samples. What cannot be sent is refused with what was found and what is allowed. */

/** One channel, at the rate of the file. */
export interface Recording {
  /** As the user calls the file. */
  readonly name: string
  readonly sampleRate: number
  readonly samples: Int16Array
}

export type WaveOutcome = { kind: 'Recording'; recording: Recording } | { kind: 'Unusable'; detail: string }

/** Seconds. It is encoded whole, and kept so. */
const LONGEST = 120
const RATES = { lowest: 8000, highest: 48_000 }
/** wFormatTag of the fmt chunk; an extensible one has the tag proper in its sub-format. */
const PCM = 1
const FLOAT = 3
const EXTENSIBLE = 0xfffe

/** Value of the sample at an offset, full scale 1. */
type Read = (octets: Buffer, offset: number) => number

const PCM_READERS: Readonly<Record<number, Read>> = {
  // The only one without sign.
  8: (octets, offset) => (octets.readUInt8(offset) - 128) / 0x80,
  16: (octets, offset) => octets.readInt16LE(offset) / 0x8000,
  24: (octets, offset) => octets.readIntLE(offset, 3) / 0x80_0000,
  32: (octets, offset) => octets.readInt32LE(offset) / 0x8000_0000,
}
const FLOAT_READERS: Readonly<Record<number, Read>> = {
  32: (octets, offset) => octets.readFloatLE(offset),
  64: (octets, offset) => octets.readDoubleLE(offset),
}

interface Format {
  tag: number
  channels: number
  sampleRate: number
  bits: number
}

/**
 *     "RIFF" length "WAVE" | "fmt " length tag channels rate octets/s block bits ... | "data" length samples ... | others, skipped
 *
 * Numbers are little-endian; a chunk of odd length is followed by one octet. Two channels are mixed: their mean. A data chunk that says
 * more than the file has is taken as far as it goes, as writers to a pipe leave it.
 * @param name of the file, for the text of a refusal
 */
export function readWave(name: string, file: Uint8Array): WaveOutcome {
  const octets = Buffer.from(file.buffer, file.byteOffset, file.byteLength)
  const unusable = ({ found, allowed }: Refusal): WaveOutcome => ({
    kind: 'Unusable',
    detail: `${name} ${found}; allowed is ${allowed}`,
  })
  if (text(octets, 0) !== 'RIFF' || text(octets, 8) !== 'WAVE') {
    return unusable({ found: 'is no WAV file', allowed: 'a RIFF file of the form WAVE' })
  }
  const chunks = chunksOf(octets)
  const format = readFormat(chunks.get('fmt '))
  const data = chunks.get('data')
  if (!format || !data) {
    return unusable({ found: `has no ${format ? 'data' : 'fmt'} chunk`, allowed: 'a WAV file with both, fmt and data' })
  }
  const read = readerOf(format)
  if (!read) {
    return unusable({
      found: `has ${sampleForm(format)}`,
      allowed: 'PCM of 8, 16, 24 or 32 bits, and float of 32 or 64',
    })
  }
  const refusal = formRefused(format) ?? lengthRefused(samplesIn(data, format), format)
  if (refusal) return unusable(refusal)
  return { kind: 'Recording', recording: { name, sampleRate: format.sampleRate, samples: mixed(data, format, read) } }
}

interface Refusal {
  found: string
  allowed: string
}

function formRefused({ channels, sampleRate }: Format): Refusal | undefined {
  const { lowest, highest } = RATES
  if (channels !== 1 && channels !== 2) return { found: `has ${channels} channels`, allowed: '1 or 2' }
  if (sampleRate >= lowest && sampleRate <= highest) return undefined
  return { found: `has ${sampleRate} samples a second`, allowed: `${lowest} to ${highest}` }
}

/** @param length samples of a channel */
function lengthRefused(length: number, { sampleRate }: Format): Refusal | undefined {
  if (length > 0 && length <= LONGEST * sampleRate) return undefined
  const found = length === 0 ? 'has no sample' : `has ${Math.ceil(length / sampleRate)} s of sound`
  return { found, allowed: `up to ${LONGEST} s` }
}

/** Of each channel. */
function samplesIn(data: Buffer, { bits, channels }: Format): number {
  return Math.floor((8 * data.length) / bits / channels)
}

function readerOf({ tag, bits }: Format): Read | undefined {
  return tag === PCM ? PCM_READERS[bits] : tag === FLOAT ? FLOAT_READERS[bits] : undefined
}

function sampleForm({ tag, bits }: Format): string {
  return tag === PCM ? `${bits}-bit PCM` : tag === FLOAT ? `${bits}-bit float` : `samples of format ${tag}`
}

function mixed(data: Buffer, format: Format, read: Read): Int16Array {
  const { bits, channels } = format
  return Int16Array.from({ length: samplesIn(data, format) }, (_, index) => {
    let sum = 0
    for (let channel = 0; channel < channels; channel++) sum += read(data, ((index * channels + channel) * bits) / 8)
    // What is beyond full scale is clipped; a float that is no number is silence.
    return Math.max(-32_768, Math.min(32_767, Math.round((sum / channels) * 32_768))) || 0
  })
}

/** The first of each name. */
function chunksOf(octets: Buffer): ReadonlyMap<string, Buffer> {
  const chunks = new Map<string, Buffer>()
  for (let offset = 12; offset + 8 <= octets.length;) {
    const length = octets.readUInt32LE(offset + 4)
    const name = text(octets, offset)
    if (!chunks.has(name)) chunks.set(name, octets.subarray(offset + 8, offset + 8 + length))
    offset += 8 + length + (length % 2)
  }
  return chunks
}

function readFormat(chunk: Buffer | undefined): Format | undefined {
  if (!chunk || chunk.length < 16) return undefined
  const tag = chunk.readUInt16LE(0)
  return {
    tag: tag === EXTENSIBLE && chunk.length >= 26 ? chunk.readUInt16LE(24) : tag,
    channels: chunk.readUInt16LE(2),
    sampleRate: chunk.readUInt32LE(4),
    bits: chunk.readUInt16LE(14),
  }
}

function text(octets: Buffer, offset: number): string {
  return octets.toString('latin1', offset, offset + 4)
}
