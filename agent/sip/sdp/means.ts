/** What the audio of an offer asks for, for who answers whatever it is; whether it can be had is for `sdp.ts` to say. */
import { isSecure } from './description.ts'
import { parseDescription } from './parse.ts'

export interface Means {
  /** Its keys come of a handshake, whatever keys stand beside it. */
  readonly dtls: boolean
  readonly ice: boolean
  /** There is video beside it. */
  readonly video: boolean
}

export function meansOf(offer: string): Means {
  const parsed = parseDescription(offer)
  const media = parsed.kind === 'Description' ? parsed.description.media : []
  const audio = media.find(({ kind, port }) => kind === 'audio' && port > 0)
  const video = media.some(({ kind, port }) => kind === 'video' && port > 0)
  if (!audio) return { dtls: false, ice: false, video }
  const { profile, fingerprints, crypto, ice } = audio
  const named = /(?:^|\/)TLS\//i.test(profile) || (isSecure(profile) && crypto.length === 0)
  return { dtls: named && fingerprints.length > 0, ice: ice !== undefined, video }
}
