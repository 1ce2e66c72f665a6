/** Encoded clips as they are sent: read from IVF or Annex B octets, each frame cut into RTP payloads once for all calls. Nothing is encoded. */
import { NAL, beginsPicture, h264Payloads, nalType } from './h264.ts'
import { vp8Payloads } from './vp8.ts'

export interface ClipFrame {
  readonly key: boolean
  readonly payloads: readonly Buffer[]
}

export interface Clip {
  readonly codec: 'VP8' | 'H264'
  /** The first is a key frame. */
  readonly frames: readonly ClipFrame[]
}

const IVF = { signature: 'DKIF', format: 'VP80', frameHeader: 12 } as const

/**
 *     "DKIF" version(2) header length(2) "VP80" ... | length(4) time(8) frame | length(4) time(8) frame | ...       little-endian
 *
 * @throws Error when it is no IVF of VP8 that begins with a key frame
 */
export function readIvf(file: Buffer): Clip {
  if (file.toString('latin1', 0, 4) !== IVF.signature || file.toString('latin1', 8, 12) !== IVF.format) {
    throw new Error('no IVF file of VP8')
  }
  const frames: ClipFrame[] = []
  for (let offset = file.readUInt16LE(6); offset < file.length;) {
    const start = offset + IVF.frameHeader
    const frame = file.subarray(start, start + file.readUInt32LE(offset))
    // RFC 6386 9.1: the inverse key frame flag.
    frames.push({ key: (frame.readUInt8(0) & 1) === 0, payloads: vp8Payloads(frame) })
    offset = start + frame.length
  }
  return clip('VP8', frames)
}

/**
 * NAL units between start codes (H.264 annex B), put together to pictures: one begins with the first unit that is not a slice after a
 * slice, or with a slice that begins a picture (H.264 7.4.1.2.3).
 * @throws Error when it does not begin with a key frame
 */
export function readAnnexB(file: Buffer): Clip {
  const pictures: Buffer[][] = []
  let picture: Buffer[] = []
  for (const unit of units(file)) {
    const complete = picture.some((other) => isSlice(nalType(other)))
    if (complete && (!isSlice(nalType(unit)) || beginsPicture(unit, 1, unit.length))) {
      pictures.push(picture)
      picture = []
    }
    picture.push(unit)
  }
  pictures.push(picture)
  const frames = pictures.map((each) => ({
    key: each.some((unit) => nalType(unit) === NAL.idr),
    payloads: h264Payloads(each),
  }))
  return clip('H264', frames)
}

function clip(codec: Clip['codec'], frames: ClipFrame[]): Clip {
  if (frames[0]?.key !== true) throw new Error(`a clip of ${codec} that does not begin with a key frame`)
  return { codec, frames }
}

function isSlice(type: number): boolean {
  return type === NAL.slice || type === NAL.idr
}

/** The octets between start codes of 0 0 1; zeroes before a start code belong to it. */
function units(file: Buffer): Buffer[] {
  const code = Buffer.from([0, 0, 1])
  const found: Buffer[] = []
  let start = file.indexOf(code)
  while (start >= 0) {
    const next = file.indexOf(code, start + code.length)
    let end = next < 0 ? file.length : next
    while (file[end - 1] === 0) end--
    found.push(file.subarray(start + code.length, end))
    start = next
  }
  return found
}
