/** The size of the picture from an H.264 sequence parameter set (H.264 7.3.2.1.1); nothing else of it. */

/** profile_idc with chroma_format_idc and what follows it. */
const WITH_CHROMA = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135])
/** Larger than any level allows (H.264 A.3), pixels: what says so is no parameter set. */
const LARGEST = 16_384

export interface PictureSize {
  /** Pixels, after cropping. */
  width: number
  height: number
}

/** @param unit the NAL unit with its header. Undefined: it is cut off, or says what cannot be. */
export function pictureSize(unit: Uint8Array): PictureSize | undefined {
  const bits = new Bits(unescaped(unit.subarray(1)))
  const profile = bits.fixed(8)
  // Constraint flags, level_idc; ids, counts and flags are passed over in the order of the syntax.
  bits.fixed(16)
  bits.unsigned()
  const chroma = WITH_CHROMA.has(profile) ? skipChroma(bits) : 1
  bits.unsigned()
  skipOrderCount(bits)
  bits.unsigned()
  bits.fixed(1)
  const across = 16 * (bits.unsigned() + 1)
  const unitsDown = bits.unsigned() + 1
  const framesOnly = bits.fixed(1)
  if (framesOnly === 0) bits.fixed(1)
  bits.fixed(1)
  // frame_mbs_only_flag 0: a unit is of two macroblocks, and what is cropped counts twice.
  const fields = 2 - framesOnly
  const cropped = bits.fixed(1) === 1 ? readCropping(bits, chroma) : { across: 0, down: 0 }
  const size = { width: across - cropped.across, height: fields * (16 * unitsDown - cropped.down) }
  return !bits.pastEnd && isSize(size.width) && isSize(size.height) ? size : undefined
}

function isSize(pixels: number): boolean {
  return pixels > 0 && pixels <= LARGEST
}

/** Left and right, top and bottom, in samples of chroma: 4:2:0 has half of them in both directions, 4:2:2 only across (table 6-1). */
function readCropping(bits: Bits, chroma: number): { across: number; down: number } {
  const across = bits.unsigned() + bits.unsigned()
  const down = bits.unsigned() + bits.unsigned()
  return { across: across * (chroma === 1 || chroma === 2 ? 2 : 1), down: down * (chroma === 1 ? 2 : 1) }
}

/** chroma_format_idc, depths, scaling lists. */
function skipChroma(bits: Bits): number {
  const chroma = bits.unsigned()
  if (chroma === 3) bits.fixed(1)
  bits.unsigned()
  bits.unsigned()
  bits.fixed(1)
  if (bits.fixed(1) === 0) return chroma
  for (let list = 0; list < (chroma === 3 ? 12 : 8); list++) {
    if (bits.fixed(1) === 1) skipScalingList(bits, list < 6 ? 16 : 64)
  }
  return chroma
}

/** H.264 7.3.2.1.1.1. */
function skipScalingList(bits: Bits, size: number): void {
  let last = 8
  let next = 8
  for (let index = 0; index < size && !bits.pastEnd; index++) {
    if (next !== 0) next = (last + bits.signed() + 256) % 256
    if (next !== 0) last = next
  }
}

function skipOrderCount(bits: Bits): void {
  const type = bits.unsigned()
  if (type === 0) bits.unsigned()
  if (type !== 1) return
  bits.fixed(1)
  bits.signed()
  bits.signed()
  const cycle = bits.unsigned()
  for (let index = 0; index < cycle && !bits.pastEnd; index++) bits.signed()
}

/** Without emulation_prevention_three_byte (H.264 7.4.1.1): 0 0 3 stands for 0 0. */
function unescaped(octets: Uint8Array): Uint8Array {
  return octets.filter((value, index) => !(value === 3 && octets[index - 1] === 0 && octets[index - 2] === 0))
}

/** u(n), ue(v) and se(v) of H.264 9.1; zeroes behind the end. */
class Bits {
  readonly #octets: Uint8Array
  #position = 0

  constructor(octets: Uint8Array) {
    this.#octets = octets
  }

  get pastEnd(): boolean {
    return this.#position > 8 * this.#octets.length
  }

  fixed(count: number): number {
    let value = 0
    for (let bit = 0; bit < count; bit++) {
      value = 2 * value + (((this.#octets[this.#position >> 3] ?? 0) >> (7 - (this.#position & 7))) & 1)
      this.#position++
    }
    return value
  }

  unsigned(): number {
    let zeroes = 0
    while (zeroes < 32 && !this.pastEnd && this.fixed(1) === 0) zeroes++
    return 2 ** zeroes - 1 + this.fixed(zeroes)
  }

  signed(): number {
    const code = this.unsigned()
    return code % 2 === 0 ? -code / 2 : (code + 1) / 2
  }
}
