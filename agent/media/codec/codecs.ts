/** The codecs there are, by the names of their rtpmap. */
import type { Codec, CodecName } from './codec.ts'
import { PCMA, PCMU } from './g711.ts'
import { G722 } from './g722.ts'
import { OPUS } from './opus.ts'

export const CODECS: Readonly<Record<CodecName, Codec>> = { PCMA, PCMU, G722, opus: OPUS }

/** The packet time that a codec has for a wanted one: the longest that is not longer, else its shortest. Milliseconds, both. */
export function fittingPtime(codec: CodecName, wanted: number): number {
  const { ptimes } = CODECS[codec]
  return ptimes.findLast((ptime) => ptime <= wanted) ?? ptimes[0] ?? wanted
}
