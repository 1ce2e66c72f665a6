/** Offers and answers of a whole session (RFC 3264, RFC 8843 for bundles): one answer line for each line of the offer, in its order. Ports are opened and keys made by others. */
import { isAuxiliary, sameCodec } from './codecs.ts'
import type { Codec, MediaDescription, SessionDescription } from './description.ts'
import { type Agreed, type LocalMedia, negotiate, type Refused, type RefusalReason, type Role } from './negotiate.ts'
import { writeDescription } from './write.ts'

export interface LocalSession {
  /** Number of the o= line, the same through a call. */
  sessionId: string | number
  /** IP address of the o= line. */
  address: string
  media: readonly LocalMedia[]
  /** All streams over one transport when the peer can. */
  bundle?: boolean
  iceLite?: boolean
  /** Whose order of codecs decides in an answer; default Theirs (RFC 3264 6.1). */
  preference?: 'Ours' | 'Theirs'
  /** What we sent last in this session; absent in its first offer or answer. */
  previous?: SessionDescription
}

/** `local` is the one of ours that goes with this m= line. */
export type Stream = { local: LocalMedia; remote: MediaDescription } & Agreed

/** One for each m= line. */
export type Streams = ReadonlyArray<Stream | Refused>

/** Every stream of ours; in a re-offer each in the place of before, ended ones with port 0, new ones behind (RFC 3264 8). */
export function makeOffer(local: LocalSession): SessionDescription {
  const { media, previous } = local
  const left = new Set(media)
  const kept = (previous?.media ?? []).map((before) => {
    const again = [...left].find(({ kind }) => kind === before.kind)
    if (again === undefined) return closed(before)
    left.delete(again)
    return offered(again, before)
  })
  const all = [...kept, ...[...left].map((each) => offered(each, undefined))]
  const mids = all.flatMap(({ mid, port }) => (mid === undefined || port === 0 ? [] : mid))
  return sessionOf(local, all, local.bundle === true && mids.length > 0 ? [mids] : [])
}

/** Answers each m= line of the peer's offer with one codec, or refuses it with port 0. Whether what is left is worth a call is for the caller. */
export function makeAnswer(
  offer: SessionDescription,
  local: LocalSession,
): { description: SessionDescription; streams: Streams } {
  const streams = match(offer.media, local.media, { offerer: 'Peer', preference: local.preference ?? 'Theirs' })
  const bundles = local.bundle === true ? acceptedBundles(offer, streams) : []
  const media = offer.media.map((each, index) => {
    const stream = streams[index]
    if (stream?.kind !== 'Agreed') return closed(each)
    const shared = sharedTransport(bundles, streams, each)
    return answered(stream, { ...stream.local, ...shared })
  })
  return { description: sessionOf(local, media, bundles), streams }
}

/** Reads the peer's answer to `offer`, which was made of `local`. A line that is missing is refused, one too many is not looked at. */
export function readAnswer(offer: SessionDescription, answer: SessionDescription, local: LocalSession): Streams {
  const left = new Set(local.media)
  return offer.media.map((line, index): Stream | Refused => {
    const ours = [...left].find(({ kind }) => kind === line.kind)
    const remote = answer.media[index]
    if (line.port === 0 || ours === undefined) return { kind: 'Refused', reason: 'NotOffered' }
    left.delete(ours)
    if (remote === undefined) return { kind: 'Refused', reason: 'Closed' }
    // The payload types of a re-offer are those of before, whatever the wish was; and what was offered with keys is not had without.
    const asOffered = { ...ours, codecs: line.codecs, profiles: [line.profile] }
    const agreed = negotiate(remote, asOffered, { offerer: 'We' })
    return agreed.kind === 'Agreed' ? { ...agreed, local: ours, remote } : agreed
  })
}

/** Each of ours goes with the first line that it fits. */
function match(offer: readonly MediaDescription[], media: readonly LocalMedia[], role: Role): Streams {
  const left = new Set(media)
  return offer.map((remote): Stream | Refused => {
    let nearest: RefusalReason = 'OtherKind'
    for (const local of left) {
      const agreed = negotiate(remote, local, role)
      if (agreed.kind === 'Agreed') {
        left.delete(local)
        return { ...agreed, local, remote }
      }
      if (agreed.reason !== 'OtherKind') nearest = agreed.reason
    }
    return { kind: 'Refused', reason: remote.port === 0 && !remote.bundleOnly ? 'Closed' : nearest }
  })
}

/** RFC 8843 7.3: of each offered group those that are there. */
function acceptedBundles(offer: SessionDescription, streams: Streams): string[][] {
  const there = new Set(offer.media.flatMap(({ mid }, index) => (streams[index]?.kind === 'Agreed' ? (mid ?? []) : [])))
  return offer.bundles.map((mids) => mids.filter((mid) => there.has(mid))).filter((mids) => mids.length > 0)
}

/** All of a bundle are sent to where the first of it is. */
function sharedTransport(
  bundles: ReadonlyArray<readonly string[]>,
  streams: Streams,
  { mid }: MediaDescription,
): Partial<LocalMedia> {
  const first = bundles.find((mids) => mid !== undefined && mids.includes(mid))?.[0]
  const tagged = streams.find((each) => each.kind === 'Agreed' && each.remote.mid === first)
  if (first === undefined || tagged?.kind !== 'Agreed') return {}
  const { address, port, rtcpPort, ice } = tagged.local
  return { address, port, ...(rtcpPort !== undefined && { rtcpPort }), ...(ice !== undefined && { ice }) }
}

/** The version rises with every change; what is sent again unchanged keeps it (RFC 3264 8). */
function sessionOf(
  { sessionId, address, iceLite = false, previous }: LocalSession,
  media: readonly MediaDescription[],
  bundles: ReadonlyArray<readonly string[]>,
): SessionDescription {
  const version = previous?.origin.version ?? '1'
  const origin = { username: '-', sessionId: String(sessionId), version, address }
  const description = { origin, bundles, iceLite, media }
  if (previous === undefined || writeDescription(previous) === writeDescription(description)) return description
  return { ...description, origin: { ...origin, version: String(BigInt(version) + 1n) } }
}

function offered(local: LocalMedia, before: MediaDescription | undefined): MediaDescription {
  const { profiles, direction = 'sendrecv', rtcpMux = false, crypto = [], fingerprints = [], ice } = local
  const line = {
    ...lineOf(local, numbered(local.codecs, before?.codecs ?? []), profiles[0] ?? 'RTP/AVP'),
    ...{ direction, rtcpMux, crypto, fingerprints, ice, mid: before?.mid ?? local.mid },
    setup: fingerprints.length > 0 ? ('actpass' as const) : undefined,
    bundleOnly: false,
  }
  return local.port === 0 ? closed(line) : line
}

function answered(stream: Stream, local: LocalMedia): MediaDescription {
  const { remote, codec, localCodec, telephoneEvent, keying, direction, rtcpMux } = stream
  // RFC 3264 6.1: the numbers are those of the offer; parameters and feedback are our own.
  const feedback = codec.feedback?.filter((each) => localCodec.feedback?.includes(each)) ?? []
  const taken: Codec = {
    ...{ ...codec, parameters: localCodec.parameters ?? h264Parameters(codec) },
    feedback: feedback.length > 0 ? feedback : undefined,
  }
  const event = telephoneEvent && { ...telephoneEvent, parameters: '0-16', feedback: undefined }
  return {
    ...lineOf(local, event ? [taken, event] : [taken], remote.profile),
    ...{ direction, rtcpMux, mid: remote.mid, bundleOnly: false },
    crypto: keying.kind === 'SDES' ? [keying.local] : [],
    fingerprints: keying.kind === 'DTLS' ? (local.fingerprints ?? []) : [],
    setup: keying.kind === 'DTLS' ? keying.setup : undefined,
    ice: remote.ice === undefined ? undefined : local.ice,
  }
}

/** Profile and packetization mode of H.264 are the same in both directions, so an answer without wishes repeats them (RFC 6184 8.2.2). */
function h264Parameters({ name, parameters }: Codec): string | undefined {
  return name.toUpperCase() === 'H264' ? parameters : undefined
}

function lineOf(local: LocalMedia, codecs: readonly Codec[], profile: string) {
  const { kind, address, port, rtcpPort, ptime, maxptime } = local
  return {
    ...{ kind, address, port, profile, codecs, ptime, maxptime },
    formats: codecs.map(({ payloadType }) => String(payloadType)),
    rtcp: rtcpPort === undefined || rtcpPort === port + 1 ? undefined : { port: rtcpPort },
  }
}

/** RFC 3264 6: a refused stream keeps its place, its kind and at least one format. */
function closed({ kind, profile, formats }: MediaDescription): MediaDescription {
  return {
    ...{ kind, profile, formats: formats.slice(0, 1), port: 0, codecs: [], direction: 'inactive' },
    ...{ rtcpMux: false, bundleOnly: false, crypto: [], fingerprints: [] },
  }
}

/** RFC 3264 8.3.2: within a session a number means what it meant, so ours give way to those of before. */
function numbered(codecs: readonly Codec[], before: readonly Codec[]): Codec[] {
  const taken = new Set(before.map(({ payloadType }) => payloadType))
  return codecs.map((codec) => {
    const known = before.find((each) => sameCodec(each, codec) && isAuxiliary(each) === isAuxiliary(codec))
    if (known !== undefined) return { ...codec, payloadType: known.payloadType }
    const payloadType = taken.has(codec.payloadType) ? freeNumber(taken) : codec.payloadType
    taken.add(payloadType)
    return { ...codec, payloadType }
  })
}

function freeNumber(taken: ReadonlySet<number>): number {
  for (let number = 96; number < 128; number++) if (!taken.has(number)) return number
  throw new RangeError('a stream has more codecs than there are dynamic payload types')
}
