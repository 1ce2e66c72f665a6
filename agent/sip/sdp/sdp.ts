/** Offer and answer of one audio stream (RFC 3264) over sdp-transform; it opens no port and picks no source. */
import { isIPv6 } from 'node:net'
import { type MediaDescription, parse, type SessionDescription, write } from 'sdp-transform'

export type AudioCodec = 'PCMA' | 'PCMU'

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

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
  return write(description(local, [audioSection(local, offeredFormats(local.codecs))]))
}

/** Reads the peer's answer to our offer, or its offer, and takes the first of its formats that `codecs` has (RFC 3264 5.1, 6.1: the order is a preference). */
export function readAudio(sdp: string, codecs: readonly AudioCodec[]): RemoteOutcome {
  const outcome = choose(sdp, codecs)
  return outcome.kind === 'Chosen' ? { kind: 'Usable', audio: outcome.audio } : outcome
}

/** Answers an offer with one codec: the first of the offer that `local.codecs` has; every other m= line is refused with port 0 (RFC 3264 6). */
export function buildAnswer(offer: string, local: LocalAudio): AnswerOutcome {
  const outcome = choose(offer, local.codecs)
  if (outcome.kind !== 'Chosen') return outcome
  const { audio, section, session } = outcome
  const formats: Format[] = [{ payload: audio.payloadType, codec: audio.codec }]
  if (audio.telephoneEvent !== undefined) formats.push({ payload: audio.telephoneEvent, codec: 'telephone-event' })
  const answered = { ...local, direction: mirrored(audio.direction, local.direction ?? 'sendrecv') }
  const sections = session.media.map((offered) =>
    offered === section ? audioSection(answered, formats) : refused(offered),
  )
  return { kind: 'Answer', sdp: write(description(answered, sections)), audio }
}

interface Format {
  payload: number
  codec: AudioCodec | 'telephone-event'
}

type Chosen = { kind: 'Chosen'; audio: RemoteAudio; section: MediaDescription; session: SessionDescription }

function choose(sdp: string, codecs: readonly AudioCodec[]): Chosen | Unusable {
  if (sdp.trim() === '') return unusable('Empty', 'there is no session description')
  const session = parse(sdp)
  if (session.version !== 0 || session.origin === undefined) {
    return unusable('Malformed', 'the session description lacks its v= or o= line')
  }
  const sections = session.media.filter(({ type }) => type === 'audio')
  if (sections.length === 0) return unusable('NoAudio', 'the session description has no audio')
  const open = sections.filter(({ port }) => isPort(port))
  if (open.length === 0) return unusable('AudioRefused', 'the audio stream was refused with port 0')
  const section = open.find(({ protocol }) => protocol === 'RTP/AVP')
  if (!section) return unusable('WrongProfile', `audio is ${open[0]?.protocol}, not RTP/AVP`)
  const found = readSection(session, section, codecs)
  return 'kind' in found ? found : { kind: 'Chosen', audio: found, section, session }
}

function readSection(
  session: SessionDescription,
  section: MediaDescription,
  codecs: readonly AudioCodec[],
): RemoteAudio | Unusable {
  const stated = (section.connection ?? session.connection)?.ip
  if (stated === undefined) return unusable('NoAddress', 'the audio stream has no c= line')
  // The library turns whatever looks like a number into one. A multicast address may carry a TTL behind a slash (RFC 8866 5.7).
  const address = String(stated).split('/')[0] ?? ''
  const formats = formatsOf(section)
  const format = formats.find(({ codec }) => codecs.some((each) => each === codec))
  if (format === undefined) {
    return unusable(
      'NoCommonCodec',
      `of ${formats.map(({ codec }) => codec).join(', ')} there is none of ${codecs.join(', ')}`,
    )
  }
  const rtpPort = section.port ?? 0
  const event = formats.find(({ codec }) => codec === 'telephone-event')
  return {
    address,
    rtpPort,
    rtcpPort: isPort(section.rtcp?.port) ? section.rtcp.port : rtpPort + 1,
    codec: format.codec as AudioCodec,
    payloadType: format.payload,
    ptime: ptimeOf(session, section),
    direction: directionOf(session, section, address),
    ...(event && { telephoneEvent: event.payload }),
  }
}

/** The formats of the m= line in its order, named by rtpmap or, for a static one, by its number. */
function formatsOf(section: MediaDescription): Array<{ payload: number; codec: string }> {
  return String(section.payloads ?? '')
    .split(' ')
    .filter((each) => /^\d{1,3}$/.test(each))
    .map(Number)
    .map((payload) => ({ payload, codec: codecName(section, payload) }))
}

function codecName(section: MediaDescription, payload: number): string {
  const map = section.rtp.find((each) => each.payload === payload)
  if (map === undefined) return payload === 0 ? 'PCMU' : payload === 8 ? 'PCMA' : `payload type ${payload}`
  const name = String(map.codec)
  if ((map.rate ?? 8000) !== 8000) return `${name}/${map.rate}`
  return name.toLowerCase() === 'telephone-event' ? 'telephone-event' : name.toUpperCase()
}

function ptimeOf(session: SessionDescription, section: MediaDescription): number {
  const asked = Number(section.ptime ?? session.ptime ?? DEFAULT_PTIME)
  const most = Number(section.maxptime ?? Infinity)
  const ptime = Math.min(asked, most)
  return ptime >= 1 && ptime <= 200 ? ptime : DEFAULT_PTIME
}

function directionOf(session: SessionDescription, section: MediaDescription, address: string): Direction {
  // RFC 2543's way to put on hold, which is still met (RFC 3264 8.4).
  if (address === '0.0.0.0') return 'inactive'
  const stated = section.direction ?? session.direction
  return stated === 'sendonly' || stated === 'recvonly' || stated === 'inactive' ? stated : 'sendrecv'
}

/** RFC 3264 6.1: we send only where the peer receives and where we want to, and the other way round. */
function mirrored(theirs: Direction, ours: Direction): Direction {
  const send = (theirs === 'sendrecv' || theirs === 'recvonly') && (ours === 'sendrecv' || ours === 'sendonly')
  const receive = (theirs === 'sendrecv' || theirs === 'sendonly') && (ours === 'sendrecv' || ours === 'recvonly')
  if (send) return receive ? 'sendrecv' : 'sendonly'
  return receive ? 'recvonly' : 'inactive'
}

function offeredFormats(codecs: readonly AudioCodec[]): Format[] {
  const formats = codecs.map((codec): Format => ({ payload: payloadTypes[codec], codec }))
  return [...formats, { payload: TELEPHONE_EVENT, codec: 'telephone-event' }]
}

function description(local: LocalAudio, media: MediaDescription[]): SessionDescription {
  const ipVer = isIPv6(local.address) ? 6 : 4
  const { sessionId, version = 1, address } = local
  return {
    version: 0,
    origin: { username: '-', sessionId, sessionVersion: version, netType: 'IN', ipVer, address },
    name: '-',
    connection: { version: ipVer, ip: address },
    timing: { start: 0, stop: 0 },
    media,
  }
}

function audioSection(local: LocalAudio, formats: readonly Format[]): MediaDescription {
  const events = formats.filter(({ codec }) => codec === 'telephone-event')
  return {
    type: 'audio',
    port: local.rtpPort,
    protocol: 'RTP/AVP',
    payloads: formats.map(({ payload }) => payload).join(' '),
    rtp: formats.map(({ payload, codec }) => ({ payload, codec, rate: 8000 })),
    fmtp: events.map(({ payload }) => ({ payload, config: '0-16' })),
    ptime: local.ptime,
    direction: local.direction ?? 'sendrecv',
    // RFC 3605: needed only where it is not the next higher port.
    ...(local.rtcpPort !== local.rtpPort + 1 && { rtcp: { port: local.rtcpPort } }),
  }
}

/** RFC 3264 6: a refused stream keeps its place, its kind and at least one format. */
function refused({ type, protocol, payloads }: MediaDescription): MediaDescription {
  return {
    type: type ?? 'application',
    port: 0,
    protocol: protocol ?? 'RTP/AVP',
    payloads: String(payloads ?? '0').split(' ')[0] ?? '0',
    rtp: [],
    fmtp: [],
  }
}

function isPort(value: number | undefined): value is number {
  return value !== undefined && value >= 1 && value <= 65_535
}

function unusable(reason: Unusable['reason'], detail: string): Unusable {
  return { kind: 'Unusable', reason, detail }
}
