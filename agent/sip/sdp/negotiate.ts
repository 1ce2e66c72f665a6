/** What two sides of one stream have in common (RFC 3264 6, 7; RFC 4568; RFC 8842): codec, direction, keys. It sees one m= line and what we can do, no session. */
import { isAuxiliary, isTelephoneEvent, sameCodec } from './codecs.ts'
import {
  type Codec,
  type CryptoLine,
  type Fingerprint,
  type Ice,
  isOpen,
  isSecure,
  type MediaDescription,
} from './description.ts'
import type { Direction } from './hold.ts'

/** One stream that we can have, with the port that is open for it. */
export interface LocalMedia {
  kind: 'audio' | 'video'
  /** IP address that media is to be sent to. */
  address: string
  /** 0: the stream is to end. */
  port: number
  /** Default: the next higher one. */
  rtcpPort?: number
  /** The first is offered, any of them is taken. */
  profiles: readonly string[]
  /** Best first. Auxiliary ones (telephone-event) are taken along with one that they fit. */
  codecs: readonly Codec[]
  /** Default sendrecv. */
  direction?: Direction
  /** Milliseconds. */
  ptime?: number
  maxptime?: number
  /** RFC 5761: RTCP over the port of RTP when the peer can. */
  rtcpMux?: boolean
  /** A key for each suite that we can, best first. Under RTP/AVP they are an offer that the peer may leave (best effort). */
  crypto?: readonly CryptoLine[]
  fingerprints?: readonly Fingerprint[]
  /** What we are when the peer leaves it to us; default active (RFC 8842 5.3). */
  setup?: 'active' | 'passive'
  ice?: Ice
  /** For an offer; an answer repeats the peer's. */
  mid?: string
}

export type Keying =
  | { kind: 'None' }
  | { kind: 'SDES'; local: CryptoLine; remote: CryptoLine }
  /** `setup` is ours: the active side begins the handshake. `fingerprints` are the peer's. */
  | { kind: 'DTLS'; setup: 'active' | 'passive'; fingerprints: readonly Fingerprint[] }

export interface Agreed {
  kind: 'Agreed'
  /** The peer's codec: its payload type is what we send. */
  codec: Codec
  /** Ours: its payload type is what we get. */
  localCodec: Codec
  telephoneEvent: Codec | undefined
  /** As we see it: our `sendonly` is the peer's receive only. */
  direction: Direction
  /** Where the peer wants to get it; a name is not looked up here. */
  address: string
  keying: Keying
  rtcpMux: boolean
}

export type RefusalReason =
  'Closed' | 'OtherKind' | 'OtherProfile' | 'NoAddress' | 'NoCommonCodec' | 'NoCommonKeying' | 'NotOffered'

export interface Refused {
  kind: 'Refused'
  reason: RefusalReason
}

/** Who of both made the offer, and whose order of codecs decides when it was the peer. */
export type Role = { offerer: 'Peer'; preference: 'Ours' | 'Theirs' } | { offerer: 'We' }

export function negotiate(remote: MediaDescription, local: LocalMedia, role: Role): Agreed | Refused {
  const { address, direction, profile } = remote
  if (!isOpen(remote) || local.port === 0) return refused('Closed')
  if (remote.kind !== local.kind) return refused('OtherKind')
  if (!local.profiles.some((each) => sameProfile(each, profile))) return refused('OtherProfile')
  if (address === undefined) return refused('NoAddress')
  const pair = chooseCodec(remote, local, role)
  if (pair === undefined) return refused('NoCommonCodec')
  const keying = chooseKeying(remote, local, role)
  if (keying === undefined) return refused('NoCommonKeying')
  const [codec, localCodec] = pair
  return {
    ...{ kind: 'Agreed', codec, localCodec, address, keying },
    telephoneEvent: telephoneEventOf(remote, local, codec),
    direction: mirrored(direction, local.direction ?? 'sendrecv'),
    rtcpMux: remote.rtcpMux && local.rtcpMux === true,
  }
}

function refused(reason: RefusalReason): Refused {
  return { kind: 'Refused', reason }
}

/** WebRTC of before 2018 wrote RTP/SAVPF for what is UDP/TLS/RTP/SAVPF; that it is DTLS its fingerprint says. */
function sameProfile(one: string, other: string): boolean {
  const plain = (profile: string) => profile.toUpperCase().replace(/^UDP\/TLS\//, '')
  return plain(one) === plain(other)
}

/** The peer's codec and ours. In an answer its order decides; in an offer of the peer that or ours, as the role says. */
function chooseCodec(remote: MediaDescription, local: LocalMedia, role: Role): [Codec, Codec] | undefined {
  // A stream of events alone is one, too (RFC 4317 2.4).
  const auxiliary = local.codecs.every(isAuxiliary)
  const pairs = remote.codecs.flatMap((theirs): Array<[Codec, Codec]> => {
    const ours = isAuxiliary(theirs) === auxiliary ? local.codecs.find((each) => sameCodec(each, theirs)) : undefined
    return ours === undefined ? [] : [[theirs, ours]]
  })
  if (role.offerer === 'We' || role.preference === 'Theirs') return pairs[0]
  return pairs.toSorted(([, one], [, other]) => local.codecs.indexOf(one) - local.codecs.indexOf(other))[0]
}

/** With the clock of the codec (RFC 4733 2.3), or with another one when there is no such. */
function telephoneEventOf({ codecs }: MediaDescription, local: LocalMedia, { clockRate }: Codec): Codec | undefined {
  if (!local.codecs.some(isTelephoneEvent)) return undefined
  const events = codecs.filter(isTelephoneEvent)
  return events.find((each) => each.clockRate === clockRate) ?? events[0]
}

/** RFC 3264 6.1: we send only where the peer receives and where we want to, and the other way round. */
function mirrored(theirs: Direction, ours: Direction): Direction {
  const send = (theirs === 'sendrecv' || theirs === 'recvonly') && (ours === 'sendrecv' || ours === 'sendonly')
  const receive = (theirs === 'sendrecv' || theirs === 'sendonly') && (ours === 'sendrecv' || ours === 'recvonly')
  if (send) return receive ? 'sendrecv' : 'sendonly'
  return receive ? 'recvonly' : 'inactive'
}

/** Undefined: the profile needs keys, and there is no way that both have. */
function chooseKeying(remote: MediaDescription, local: LocalMedia, role: Role): Keying | undefined {
  const { profile, fingerprints } = remote
  if (isSecure(profile) && fingerprints.length > 0 && (local.fingerprints ?? []).length > 0) {
    return { kind: 'DTLS', setup: ourSetup(remote, local, role), fingerprints }
  }
  const sdes = /TLS/i.test(profile) ? undefined : chooseCrypto(remote, local, role)
  if (sdes !== undefined) return sdes
  return isSecure(profile) ? undefined : { kind: 'None' }
}

/** RFC 4568 5.1.2, 5.1.3: the first line of the offer that the answerer can, answered under its tag. */
function chooseCrypto({ crypto }: MediaDescription, local: LocalMedia, role: Role): Keying | undefined {
  for (const theirs of crypto) {
    const ours = (local.crypto ?? []).find(
      ({ suite, tag }) => suite === theirs.suite && (role.offerer === 'Peer' || tag === theirs.tag),
    )
    if (ours !== undefined) return { kind: 'SDES', local: { ...ours, tag: theirs.tag }, remote: theirs }
  }
  return undefined
}

/** RFC 8842 5.3; what is absent is `active` in an offer and `passive` in an answer (RFC 4145 4). */
function ourSetup({ setup }: MediaDescription, local: LocalMedia, role: Role): 'active' | 'passive' {
  if (role.offerer === 'We') return setup === 'active' ? 'passive' : 'active'
  switch (setup) {
    case 'passive':
      return 'active'
    case 'actpass':
    case 'holdconn':
      return local.setup ?? 'active'
    case 'active':
    case undefined:
      return 'passive'
  }
}
