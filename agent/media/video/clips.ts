/** The clips that there are, by codec and size, each read once; how they were made is `clips/make.sh`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Clip, readAnnexB, readIvf } from './clip.ts'

/** Lines of the picture, 16:9. */
const LINES = { R360p: 360, R720p: 720, R1080p: 1080 } as const
export type Resolution = keyof typeof LINES

const READERS = { VP8: { suffix: 'ivf', read: readIvf }, H264: { suffix: 'h264', read: readAnnexB } } as const

/** 60 frames each, with a key frame at the first and in the middle; the frame rate is the sender's. */
export class Clips {
  readonly #read = new Map<string, Clip>()

  /** Reads the file the first time: for before the calls. */
  of(codec: Clip['codec'], resolution: Resolution): Clip {
    const { suffix, read } = READERS[codec]
    const name = `${LINES[resolution]}p.${suffix}`
    const known = this.#read.get(name)
    if (known) return known
    const clip = read(readFileSync(join(import.meta.dirname, 'clips', name)))
    this.#read.set(name, clip)
    return clip
  }
}
