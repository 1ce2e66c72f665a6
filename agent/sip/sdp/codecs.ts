/** Which codecs are the same one, and what the payload types of RFC 3551 mean; nothing is coded here. */
import type { Codec } from './description.ts'

/** RFC 3551 tables 4 and 5, those that are met: name, clock rate. */
const STATIC: Readonly<Record<number, readonly [name: string, clockRate: number]>> = {
  0: ['PCMU', 8000],
  3: ['GSM', 8000],
  4: ['G723', 8000],
  8: ['PCMA', 8000],
  9: ['G722', 8000],
  13: ['CN', 8000],
  18: ['G729', 8000],
  31: ['H261', 90_000],
  32: ['MPV', 90_000],
  34: ['H263', 90_000],
}

/** What a payload type means without an rtpmap. */
export function staticCodec(payloadType: number): Codec | undefined {
  const known = STATIC[payloadType]
  return known && { name: known[0], clockRate: known[1], payloadType }
}

const TELEPHONE_EVENT = 'telephone-event'

/** RFC 4733, all keys and the flash; `clockRate` is that of the codec it goes along with (2.3). */
export function telephoneEvent(payloadType: number, clockRate = 8000): Codec {
  return { name: TELEPHONE_EVENT, payloadType, clockRate, parameters: '0-16' }
}

export function isTelephoneEvent({ name }: Codec): boolean {
  return name.toLowerCase() === TELEPHONE_EVENT
}

/** What goes along with a codec and is none that a call could be held in. */
export function isAuxiliary(codec: Codec): boolean {
  return isTelephoneEvent(codec) || /^(?:CN|red|ulpfec|flexfec-03|rtx)$/i.test(codec.name)
}

/** Whether both ends mean the same by it, whatever its number: name, clock rate and channels, and for H.264 what cannot be adapted. */
export function sameCodec(one: Codec, other: Codec): boolean {
  return (
    one.name.toLowerCase() === other.name.toLowerCase() &&
    one.clockRate === other.clockRate &&
    (one.channels ?? 1) === (other.channels ?? 1) &&
    (one.name.toUpperCase() !== 'H264' || sameH264(one.parameters, other.parameters))
  )
}

/** RFC 6184 8.2.2: packetization mode and profile are symmetric; the level may differ. */
function sameH264(one: string | undefined, other: string | undefined): boolean {
  const [left, right] = [parametersOf(one), parametersOf(other)]
  const mode = (parameters: ReadonlyMap<string, string>) => parameters.get('packetization-mode') ?? '0'
  return mode(left) === mode(right) && h264Profile(left) === h264Profile(right)
}

/**
 *     profile-level-id=42e01f     profile_idc 42, profile-iop e0 (constraint flags), level 1f
 *
 * Constrained baseline has three spellings (RFC 6184 8.1, table 5); absent is baseline at level 1.
 */
function h264Profile(parameters: ReadonlyMap<string, string>): string {
  const id = parameters.get('profile-level-id')?.toLowerCase() ?? '42000a'
  const flags = Number.parseInt(id.slice(2, 4), 16)
  const profile = id.slice(0, 2)
  const constrained =
    (profile === '42' && (flags & 0x40) !== 0) ||
    (profile === '4d' && (flags & 0x80) !== 0) ||
    (profile === '58' && (flags & 0xc0) === 0xc0)
  if (constrained) return 'constrained baseline'
  return profile === '42' || profile === '4d' || profile === '58' ? profile : `${profile}${id.slice(2, 4)}`
}

/** `a=1;b=2` of an fmtp: names in lower case. */
function parametersOf(text = ''): ReadonlyMap<string, string> {
  return new Map(
    text.split(';').map((part) => {
      const [name = '', ...value] = part.split('=')
      return [name.trim().toLowerCase(), value.join('=').trim()]
    }),
  )
}
