/** Offer and answer of the audio of a call, and of the video beside it, a thin layer over the model; it opens no port, picks no source and makes no key. */
import { isAuxiliary, telephoneEvent } from './codecs.ts'
import type { Candidate, Codec, Fingerprint, MediaDescription, SessionDescription } from './description.ts'
import type { Direction } from './hold.ts'
import { type Agreed, type LocalMedia, negotiate, type RefusalReason } from './negotiate.ts'
import { type LocalSession, makeAnswer, makeOffer } from './offer-answer.ts'
import { parseDescription, type ParseOutcome } from './parse.ts'
import { type KeysOfStream, profilesOf, remoteStream, type RemoteStream, withChosenKeys } from './stream.ts'
import { type LocalVideo, readVideo, remoteVideo, type RemoteVideo, videoMedia } from './video.ts'
import { writeDescription } from './write.ts'

export type AudioCodec = 'PCMA' | 'PCMU' | 'G722' | 'opus'

/** RFC 3551 table 4, static; RFC 7587 7, dynamic. None of them needs parameters. */
const formats: Readonly<Record<AudioCodec, Codec>> = {
  PCMU: { name: 'PCMU', payloadType: 0, clockRate: 8000 },
  PCMA: { name: 'PCMA', payloadType: 8, clockRate: 8000 },
  G722: { name: 'G722', payloadType: 9, clockRate: 8000 },
  opus: { name: 'opus', payloadType: 111, clockRate: 48_000, channels: 2 },
}

/** RFC 4733; dynamic, 101 is what nearly everybody takes. The next one is for the next clock rate. */
const TELEPHONE_EVENT = 101

/** RFC 3551 4.2: what a packet holds when nobody says anything, milliseconds. */
const DEFAULT_PTIME = 20

/** What we put into an offer or an answer. */
export interface LocalAudio {
  /** IP address that media is to be sent to. */
  address: string
  rtpPort: number
  rtcpPort: number
  /** Best first; at least one. */
  codecs: readonly AudioCodec[]
  /** Milliseconds of audio a packet. */
  ptime: number
  /** Number of the o= line, the same through a call. */
  sessionId: number
  /** What we sent last in this call: its streams keep their places, and the version rises from it with every change. Absent: nothing. */
  previous?: string
  /** Default sendrecv. */
  direction?: Direction
  /** RTP and RTCP share a port when the peer can, too (RFC 5761). Default false. */
  rtcpMux?: boolean
  /** Absent: RTP/AVP without keys, whatever the peer has. */
  keys?: KeysOfStream
  /** Our part in the handshake that there was; absent: the peer may choose, and else we begin it. */
  setup?: 'active' | 'passive'
  /** Absent: no ICE, whatever the peer has. */
  ice?: AudioIce
  /** Absent: no video. */
  video?: LocalVideo
}

/** What one side tells the other of its candidates (RFC 8839); who speaks ICE makes and reads it, SDP carries it. */
export interface AudioIce {
  readonly ufrag: string
  readonly pwd: string
  readonly candidates: readonly Candidate[]
  /** That of the whole session. */
  readonly lite: boolean
}

/** What the peer wants to get and how, from its offer or its answer. */
export interface RemoteAudio extends RemoteStream {
  codec: AudioCodec
  /** Of what it wants to get. */
  payloadType: number
  /** Of what it sends: the number that is ours in an answer of the peer, and its own in an offer. */
  receivedType: number
  /** Milliseconds of audio a packet that the peer asks for. */
  ptime: number
  /** Payload type of telephone-event at the clock rate of the codec, when both have it. */
  telephoneEvent?: number
  /** The handshake that has the keys: `setup` is our part, active begins it; `fingerprints` are those of the peer. */
  dtls?: { setup: 'active' | 'passive'; fingerprints: readonly Fingerprint[] }
  /** The peer's; absent: one of both does not speak it. */
  ice?: AudioIce
}

/** Why a description cannot be used. */
export type Unusable = {
  kind: 'Unusable'
  reason:
    'Empty' | 'Malformed' | 'NoAudio' | 'AudioRefused' | 'WrongProfile' | 'NoAddress' | 'NoCommonCodec' | 'NoCommonKeys'
  /** One sentence for a human. */
  detail: string
}

/** `video` absent: we have none, or the peer has none that can be used. */
export type RemoteOutcome = { kind: 'Usable'; audio: RemoteAudio; video?: RemoteVideo } | Unusable

export type AnswerOutcome = { kind: 'Answer'; sdp: string; audio: RemoteAudio; video?: RemoteVideo } | Unusable

/** An offer of one audio stream with all codecs of `local` and telephone-event, and of its video. */
export function buildOffer(local: LocalAudio): string {
  return writeDescription(makeOffer(sessionOf(local)))
}

/** Of ours, what the answer to our offer is read with. */
export type Wanted = Pick<LocalAudio, 'rtcpMux' | 'keys' | 'ice' | 'video'>

/** Reads the peer's answer to our offer, and takes the first of its formats that `codecs` has (RFC 3264 6.1: the order is a preference). */
export function readAudio(sdp: string, codecs: readonly AudioCodec[], wanted: Wanted = {}): RemoteOutcome {
  const parsed = parseDescription(sdp)
  if (parsed.kind === 'Malformed') return malformed(parsed)
  const local = audioMedia({
    address: '',
    rtpPort: 1,
    rtcpPort: 2,
    ptime: DEFAULT_PTIME,
    codecs,
    sessionId: 0,
    ...wanted,
  })
  const { description, refusals } = withChosenKeys(parsed.description, 'audio', { keys: wanted.keys, from: 'Answer' })
  for (const media of description.media) {
    const agreed = negotiate(media, local, { offerer: 'We' })
    if (agreed.kind !== 'Agreed') continue
    const audio = remoteAudio(media, agreed, agreed.localCodec)
    const video = wanted.video && readVideo(parsed.description, wanted.video)
    return {
      ...{ kind: 'Usable', audio: withIce(audio, wanted.ice && iceOf(description, media)) },
      ...(video && { video }),
    }
  }
  return whyNot(parsed.description, local, refusals)
}

/** Answers an offer with one codec: the first of the offer that `local.codecs` has; every other m= line is refused with port 0 (RFC 3264 6). */
export function buildAnswer(offer: string, local: LocalAudio): AnswerOutcome {
  const parsed = parseDescription(offer)
  if (parsed.kind === 'Malformed') return malformed(parsed)
  const { description, refusals } = withChosenKeys(parsed.description, 'audio', { keys: local.keys, from: 'Offer' })
  const whole = withChosenKeys(description, 'video', { keys: local.video?.keys, from: 'Offer' }).description
  const answer = makeAnswer(whole, sessionOf(local))
  const agreed = answer.streams.filter((each) => each.kind === 'Agreed')
  const stream = agreed.find(({ remote }) => remote.kind === 'audio')
  if (stream === undefined) return whyNot(parsed.description, audioMedia(local), refusals)
  const audio = remoteAudio(stream.remote, stream, stream.codec)
  const video = agreed.find(({ remote }) => remote.kind === 'video')
  return {
    kind: 'Answer',
    sdp: writeDescription(answer.description),
    audio: withIce(audio, local.ice && iceOf(description, stream.remote)),
    ...(video && { video: remoteVideo(video.remote, video, video.codec) }),
  }
}

function iceOf({ iceLite }: SessionDescription, { ice }: MediaDescription): AudioIce | undefined {
  return ice && { ufrag: ice.ufrag, pwd: ice.pwd, candidates: ice.candidates, lite: iceLite }
}

function withIce(audio: RemoteAudio, ice: AudioIce | undefined): RemoteAudio {
  return ice ? { ...audio, ice } : audio
}

function sessionOf(local: LocalAudio): LocalSession {
  const { sessionId, address, ice, video } = local
  const previous = local.previous === undefined ? undefined : parseDescription(local.previous)
  const before = previous?.kind === 'Description' ? { previous: previous.description } : {}
  const media = [audioMedia(local), ...(video ? [videoMedia(video)] : [])]
  return { sessionId, address, media, iceLite: ice?.lite === true, ...before }
}

function audioMedia(local: LocalAudio): LocalMedia {
  const { address, rtpPort, rtcpPort, codecs, ptime, direction, rtcpMux, keys, setup, ice } = local
  const audio = codecs.map((name) => formats[name])
  const clockRates = new Set(audio.map(({ clockRate }) => clockRate))
  const events = [...clockRates].map((clockRate, index) => telephoneEvent(TELEPHONE_EVENT + index, clockRate))
  return {
    ...{ kind: 'audio', address, port: rtpPort, rtcpPort, profiles: profilesOf(keys), ptime },
    codecs: [...audio, ...events],
    ...(direction && { direction }),
    ...(rtcpMux && { rtcpMux }),
    ...(keys && { crypto: keys.lines, fingerprints: keys.fingerprints }),
    ...(setup && { setup }),
    // SIP has all candidates at once (RFC 8839 4.2.1).
    ...(ice && { ice: { ufrag: ice.ufrag, pwd: ice.pwd, candidates: ice.candidates, endOfCandidates: true } }),
  }
}

/** @param received its codec with the number that it sends */
function remoteAudio(media: MediaDescription, agreed: Agreed, received: Codec): RemoteAudio {
  const { codec, localCodec, telephoneEvent: event, keying } = agreed
  return {
    ...remoteStream(media, agreed),
    codec: nameOf(localCodec),
    payloadType: codec.payloadType,
    receivedType: received.payloadType,
    ptime: ptimeOf(media),
    ...(event?.clockRate === codec.clockRate && { telephoneEvent: event.payloadType }),
    ...(keying.kind === 'DTLS' && { dtls: { setup: keying.setup, fingerprints: keying.fingerprints } }),
  }
}

function nameOf(ours: Codec): AudioCodec {
  const names = Object.keys(formats) as AudioCodec[]
  return names.find((name) => formats[name].name === ours.name) ?? 'PCMA'
}

function ptimeOf({ ptime = DEFAULT_PTIME, maxptime = Infinity }: MediaDescription): number {
  const wanted = Math.min(ptime, maxptime)
  return wanted <= 200 ? wanted : DEFAULT_PTIME
}

/** From the nearest to the farthest from being used: what is said of several streams that cannot be. */
const NEAREST: readonly RefusalReason[] = ['NoCommonCodec', 'NoAddress', 'OtherProfile']

function whyNot({ media }: SessionDescription, local: LocalMedia, keys: readonly string[]): Unusable {
  if (keys[0] !== undefined) return unusable('NoCommonKeys', keys[0])
  const audio = media.filter(({ kind }) => kind === 'audio')
  if (audio.length === 0) return unusable('NoAudio', 'the session description has no audio')
  const refusals = audio.map((each) => {
    const outcome = negotiate(each, local, { offerer: 'Peer', preference: 'Theirs' })
    return { each, reason: outcome.kind === 'Refused' ? outcome.reason : undefined }
  })
  const nearest = NEAREST.find((reason) => refusals.some((refusal) => refusal.reason === reason))
  const { each } = refusals.find(({ reason }) => reason === nearest) ?? {}
  if (nearest === 'NoAddress') return unusable('NoAddress', 'the audio stream has no c= line')
  if (nearest === 'OtherProfile') return unusable('WrongProfile', `audio is ${each?.profile}, not RTP/AVP`)
  if (nearest !== 'NoCommonCodec') return unusable('AudioRefused', 'the audio stream was refused with port 0')
  const ours = local.codecs.filter((codec) => !isAuxiliary(codec)).map(({ name }) => name)
  const theirs = namesOf(each?.formats ?? [], each?.codecs ?? [])
  return unusable('NoCommonCodec', `of ${theirs} there is none of ${ours.join(', ')}`)
}

/** What a human knows them by: `PCMU`, `PCMU/16000`, `payload type 97`. */
function namesOf(formats: readonly string[], codecs: readonly Codec[]): string {
  const names = formats.map((format) => {
    const codec = codecs.find(({ payloadType }) => String(payloadType) === format)
    if (codec === undefined) return `payload type ${format}`
    return codec.clockRate === 8000 ? codec.name : `${codec.name}/${codec.clockRate}`
  })
  return names.join(', ')
}

function malformed({ reason, detail }: Extract<ParseOutcome, { kind: 'Malformed' }>): Unusable {
  if (reason === 'Empty') return unusable('Empty', detail)
  return unusable('Malformed', `the session description cannot be read: ${detail}`)
}

function unusable(reason: Unusable['reason'], detail: string): Unusable {
  return { kind: 'Unusable', reason, detail }
}
