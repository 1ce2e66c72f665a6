/** Offer and answer of one audio stream in G.711, a thin layer over the model; it opens no port and picks no source. */
import { isAuxiliary, telephoneEvent } from './codecs.ts'
import type { Codec, MediaDescription, SessionDescription } from './description.ts'
import type { Direction } from './hold.ts'
import { type Agreed, type LocalMedia, negotiate, type RefusalReason } from './negotiate.ts'
import { type LocalSession, makeAnswer, makeOffer } from './offer-answer.ts'
import { parseDescription, type ParseOutcome } from './parse.ts'
import { writeDescription } from './write.ts'

export type AudioCodec = 'PCMA' | 'PCMU'

export type { Direction } from './hold.ts'

/** Static payload types of RFC 3551 table 4. */
export const payloadTypes: Readonly<Record<AudioCodec, number>> = { PCMU: 0, PCMA: 8 }

/** RFC 4733; dynamic, 101 is what nearly everybody takes. */
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
  /** Number of the o= line, the same through a call; with `version`, which rises with each description of the call. */
  sessionId: number
  /** Default 1. */
  version?: number
  /** Default sendrecv. */
  direction?: Direction
}

/** What the peer wants to get and how, from its offer or its answer. */
export interface RemoteAudio {
  address: string
  rtpPort: number
  rtcpPort: number
  codec: AudioCodec
  payloadType: number
  /** Milliseconds of audio a packet that the peer asks for. */
  ptime: number
  /** As the peer sees it: its `sendonly` is our receive only. */
  direction: Direction
  /** Payload type of telephone-event, when the peer takes it. */
  telephoneEvent?: number
}

/** Why a description cannot be used. */
export type Unusable = {
  kind: 'Unusable'
  reason: 'Empty' | 'Malformed' | 'NoAudio' | 'AudioRefused' | 'WrongProfile' | 'NoAddress' | 'NoCommonCodec'
  /** One sentence for a human. */
  detail: string
}

export type RemoteOutcome = { kind: 'Usable'; audio: RemoteAudio } | Unusable

export type AnswerOutcome = { kind: 'Answer'; sdp: string; audio: RemoteAudio } | Unusable

/** An offer of one audio stream with all codecs of `local` and telephone-event. */
export function buildOffer(local: LocalAudio): string {
  return written(makeOffer(sessionOf(local)), local)
}

/** Reads the peer's answer to our offer, or its offer, and takes the first of its formats that `codecs` has (RFC 3264 5.1, 6.1: the order is a preference). */
export function readAudio(sdp: string, codecs: readonly AudioCodec[]): RemoteOutcome {
  const parsed = parseDescription(sdp)
  if (parsed.kind === 'Malformed') return malformed(parsed)
  const local = audioMedia({ address: '', rtpPort: 1, rtcpPort: 2, ptime: DEFAULT_PTIME, codecs, sessionId: 0 })
  for (const media of parsed.description.media) {
    const agreed = negotiate(media, local, { offerer: 'Peer', preference: 'Theirs' })
    if (agreed.kind === 'Agreed') return { kind: 'Usable', audio: remoteAudio(media, agreed) }
  }
  return whyNot(parsed.description, local)
}

/** Answers an offer with one codec: the first of the offer that `local.codecs` has; every other m= line is refused with port 0 (RFC 3264 6). */
export function buildAnswer(offer: string, local: LocalAudio): AnswerOutcome {
  const parsed = parseDescription(offer)
  if (parsed.kind === 'Malformed') return malformed(parsed)
  const session = sessionOf(local)
  const { description, streams } = makeAnswer(parsed.description, session)
  const stream = streams.find((each) => each.kind === 'Agreed')
  if (stream === undefined) return whyNot(parsed.description, audioMedia(local))
  return { kind: 'Answer', sdp: written(description, local), audio: remoteAudio(stream.remote, stream) }
}

function written(description: SessionDescription, { version = 1 }: LocalAudio): string {
  return writeDescription({ ...description, origin: { ...description.origin, version: String(version) } })
}

function sessionOf(local: LocalAudio): LocalSession {
  return { sessionId: local.sessionId, address: local.address, media: [audioMedia(local)] }
}

function audioMedia({ address, rtpPort, rtcpPort, codecs, ptime, direction }: LocalAudio): LocalMedia {
  const numbered = codecs.map((name): Codec => ({ name, payloadType: payloadTypes[name], clockRate: 8000 }))
  return {
    ...{ kind: 'audio', address, port: rtpPort, rtcpPort, profiles: ['RTP/AVP'], ptime },
    codecs: [...numbered, telephoneEvent(TELEPHONE_EVENT)],
    ...(direction && { direction }),
  }
}

function remoteAudio(media: MediaDescription, { codec, address, telephoneEvent: event }: Agreed): RemoteAudio {
  const { port, rtcp, direction } = media
  return {
    ...{ address, rtpPort: port, rtcpPort: rtcp?.port ?? port + 1, direction },
    codec: codec.name.toUpperCase() === 'PCMU' ? 'PCMU' : 'PCMA',
    payloadType: codec.payloadType,
    ptime: ptimeOf(media),
    ...(event && { telephoneEvent: event.payloadType }),
  }
}

function ptimeOf({ ptime = DEFAULT_PTIME, maxptime = Infinity }: MediaDescription): number {
  const wanted = Math.min(ptime, maxptime)
  return wanted <= 200 ? wanted : DEFAULT_PTIME
}

/** From the nearest to the farthest from being used: what is said of several streams that cannot be. */
const NEAREST: readonly RefusalReason[] = ['NoCommonCodec', 'NoAddress', 'OtherProfile']

function whyNot({ media }: SessionDescription, local: LocalMedia): Unusable {
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
