/** One m= line with its attributes into the model, with what the session says for all of them; of what cannot be read it takes what can. */
import type { CandidateFields, MediaDescription as Section, SessionDescription as Lines, Text } from 'sdp-transform'
import { staticCodec } from './codecs.ts'
import type { Candidate, Codec, CryptoLine, Fingerprint, Ice, MediaDescription, Setup } from './description.ts'
import type { Direction } from './hold.ts'

/** Candidates of one stream; a browser with many networks has some twenty. */
const MOST_CANDIDATES = 128

export function readMedia(lines: Lines, section: Section, fingerprints: readonly Fingerprint[]): MediaDescription {
  const formats = String(section.payloads)
    .split(' ')
    .filter((each) => each !== '')
  const connection = section.connection ?? lines.connection
  // A multicast address may carry a TTL behind a slash (RFC 8866 5.7).
  const address = connection === undefined ? undefined : String(connection.ip).split('/')[0]
  const ice = readIce(lines, section)
  return {
    kind: String(section.type),
    port: Number(section.port),
    profile: String(section.protocol),
    formats,
    codecs: formats.flatMap((format) => readCodec(section, format) ?? []),
    address,
    // With ICE an address of zeros says that the candidates are yet to come (RFC 8839 4.3.1).
    direction: isZero(address) && ice === undefined ? 'inactive' : readDirection(section.direction ?? lines.direction),
    rtcp: readRtcp(section),
    rtcpMux: section.rtcpMux !== undefined,
    ptime: milliseconds(section.ptime ?? lines.ptime),
    maxptime: milliseconds(section.maxptime ?? lines.maxptime),
    mid: text(section.mid),
    bundleOnly: section.bundleOnly !== undefined,
    crypto: (section.crypto ?? []).flatMap((line) => readCrypto(line) ?? []),
    fingerprints,
    setup: readSetup(section.setup ?? lines.setup),
    ice,
  }
}

function text(value: Text | undefined): string | undefined {
  return value === undefined ? undefined : String(value)
}

function isZero(address: string | undefined): boolean {
  return address === '0.0.0.0' || address === '::'
}

function readDirection(stated: string | undefined): Direction {
  return stated === 'sendonly' || stated === 'recvonly' || stated === 'inactive' ? stated : 'sendrecv'
}

function readSetup(stated: Text | undefined): Setup | undefined {
  const roles: readonly Setup[] = ['active', 'passive', 'actpass', 'holdconn']
  return roles.find((role) => role === stated)
}

function milliseconds(stated: Text | undefined): number | undefined {
  return isWithin(stated, 1_000) ? Number(stated) : undefined
}

function readRtcp({ rtcp }: Section): MediaDescription['rtcp'] {
  return isWithin(rtcp?.port, 65_535) ? { port: Number(rtcp?.port), address: text(rtcp?.address) } : undefined
}

/** A format named by its rtpmap or, for a static one, by its number. */
function readCodec(section: Section, format: string): Codec | undefined {
  const payloadType = Number(format)
  if (!/^\d{1,3}$/.test(format) || payloadType > 127) return undefined
  const map = section.rtp.find(({ payload }) => Number(payload) === payloadType)
  const named = map === undefined ? staticCodec(payloadType) : mappedCodec(section, map)
  if (named === undefined) return undefined
  const parameters = section.fmtp.find(({ payload }) => Number(payload) === payloadType)?.config
  return { ...named, payloadType, parameters: text(parameters), feedback: feedbackOf(section, payloadType) }
}

function mappedCodec({ type }: Section, { payload, codec, rate, encoding }: Section['rtp'][number]): Codec {
  const payloadType = Number(payload)
  const usual = staticCodec(payloadType)?.clockRate ?? (type === 'video' ? 90_000 : 8000)
  const channels = Number(encoding ?? 1)
  const several = channels > 1 && channels <= 255
  return { name: String(codec), payloadType, clockRate: Number(rate ?? usual), ...(several && { channels }) }
}

function feedbackOf({ rtcpFb = [] }: Section, payloadType: number): string[] | undefined {
  const own = rtcpFb.filter(({ payload }) => payload === '*' || Number(payload) === payloadType)
  if (own.length === 0) return undefined
  return own.map(({ type, subtype }) => (subtype === undefined ? String(type) : `${type} ${subtype}`))
}

/**
 * RFC 4568 9.1; of several keys the first. A line that cannot be used is passed over, as 5.1.2 has it, and so is one with a parameter that
 * must be understood (6.3): all but WSH and those that begin with a hyphen.
 *
 *     a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 WSH=64
 */
function readCrypto({
  id,
  suite,
  config,
  sessionConfig,
}: NonNullable<Section['crypto']>[number]): CryptoLine | undefined {
  const match = /^inline:([A-Za-z\d+/]+={0,2})(?:\|([^|;]*))?(?:\|([^|;]*))?(?:;|$)/.exec(String(config))
  const tag = Number(id)
  if (!match || !(tag >= 1 && tag <= 999_999_999) || suite === '') return undefined
  if (sessionConfig !== undefined && !/^(?:WSH=|-)/.test(String(sessionConfig))) return undefined
  const [, key = '', ...rest] = match
  const parts = rest.filter((each) => each !== undefined)
  return {
    ...{ tag, suite: String(suite), key },
    lifetime: parts.find((each) => !each.includes(':')),
    mki: parts.find((each) => each.includes(':')),
  }
}

function readIce(lines: Lines, section: Section): Ice | undefined {
  const [ufrag, pwd] = [text(section.iceUfrag ?? lines.iceUfrag), text(section.icePwd ?? lines.icePwd)]
  if (ufrag === undefined || pwd === undefined) return undefined
  // Somebody on the way has changed the address, so that the peer does without (RFC 8839 4.2.5).
  if (section.invalid?.some(({ value }) => value === 'ice-mismatch')) return undefined
  return {
    ...{ ufrag, pwd },
    options: text(section.iceOptions ?? lines.iceOptions),
    candidates: (section.candidates ?? []).slice(0, MOST_CANDIDATES).flatMap((fields) => readCandidate(fields) ?? []),
    remoteCandidates: text(section.remoteCandidates),
    endOfCandidates: section.endOfCandidates !== undefined,
  }
}

/** Undefined: a number in it is none that it can be (RFC 8839 5.1), and it is passed over. */
function readCandidate(fields: CandidateFields): Candidate | undefined {
  const { foundation, component, transport, priority, ip, port, type, raddr, rport, tcptype } = fields
  const possible = isWithin(component, 256) && isWithin(priority, 2 ** 32 - 1) && isWithin(port, 65_535)
  if (!possible) return undefined
  return {
    foundation: String(foundation),
    component: Number(component),
    transport: String(transport).toLowerCase(),
    priority: Number(priority),
    address: String(ip),
    port: Number(port),
    type: String(type),
    related: raddr === undefined ? undefined : { address: String(raddr), port: Number(rport) },
    tcpType: text(tcptype),
  }
}

function isWithin(stated: Text | undefined, most: number): boolean {
  const value = Number(stated)
  return value >= 1 && value <= most
}
