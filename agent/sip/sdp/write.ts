/** A description of our own as text, by sdp-transform; what is in it was decided elsewhere. */
import { isIPv6 } from 'node:net'
import { type CandidateFields, type MediaDescription as Section, type Shared, write } from 'sdp-transform'
import type { Candidate, CryptoLine, MediaDescription, SessionDescription } from './description.ts'

/** The address of the first stream is that of the session; another one stands with its stream. */
export function writeDescription({ origin, bundles, iceLite, media }: SessionDescription): string {
  const address = media.find((each) => each.address !== undefined)?.address ?? origin.address
  const { username, sessionId, version } = origin
  const written = write({
    version: 0,
    origin: { username, sessionId, sessionVersion: version, netType: 'IN', ...family(origin.address) },
    name: '-',
    connection: connection(address),
    timing: { start: 0, stop: 0 },
    ...(iceLite && { icelite: 'ice-lite' }),
    ...(bundles.length > 0 && { groups: bundles.map((mids) => ({ type: 'BUNDLE', mids: mids.join(' ') })) }),
    media: media.map((each) => section(each, address)),
  })
  return withFingerprints(written, media)
}

function family(address: string): { ipVer: number; address: string } {
  return { ipVer: isIPv6(address) ? 6 : 4, address }
}

function connection(address: string): NonNullable<Shared['connection']> {
  return { version: isIPv6(address) ? 6 : 4, ip: address }
}

function section(media: MediaDescription, ofSession: string): Section {
  const { kind, port, profile, formats, codecs, address, mid, bundleOnly } = media
  const line = { type: kind, port, protocol: profile, payloads: formats.join(' ') }
  // RFC 3264 6: of a refused stream nothing else matters.
  if (port === 0 && !bundleOnly) return { ...line, rtp: [], fmtp: [] }
  const elsewhere = address !== undefined && address !== ofSession
  return {
    ...line,
    ...(elsewhere && { connection: connection(address) }),
    ...codecLines(codecs),
    ...transportLines(media),
    ...(media.crypto.length > 0 && { crypto: media.crypto.map(cryptoLine) }),
    ...(media.setup !== undefined && { setup: media.setup }),
    ...(mid !== undefined && { mid }),
    ...(media.ptime !== undefined && { ptime: media.ptime }),
    ...(media.maxptime !== undefined && { maxptime: media.maxptime }),
    direction: media.direction,
    ...iceLines(media),
    ...(bundleOnly && { bundleOnly: 'bundle-only' }),
  }
}

function codecLines(codecs: MediaDescription['codecs']): Pick<Section, 'rtp' | 'fmtp' | 'rtcpFb'> {
  const feedback = codecs.flatMap(({ payloadType: payload, feedback: each = [] }) =>
    each.map((line) => {
      const [type = '', subtype] = line.split(' ')
      return subtype === undefined ? { payload, type } : { payload, type, subtype }
    }),
  )
  return {
    rtp: codecs.map(({ payloadType, name, clockRate, channels = 1 }) => {
      const map = { payload: payloadType, codec: name, rate: clockRate }
      return channels > 1 ? { ...map, encoding: channels } : map
    }),
    fmtp: codecs.flatMap(({ payloadType, parameters }) =>
      parameters === undefined ? [] : { payload: payloadType, config: parameters },
    ),
    ...(feedback.length > 0 && { rtcpFb: feedback }),
  }
}

/** RFC 3605: the port of RTCP is said only where it is not the next higher one. */
function transportLines({ port, rtcp, rtcpMux }: MediaDescription): Pick<Section, 'rtcp' | 'rtcpMux'> {
  const { address } = rtcp ?? {}
  const where = address === undefined ? {} : { netType: 'IN', ...family(address) }
  return {
    ...(rtcp !== undefined &&
      (rtcp.port !== port + 1 || address !== undefined) && { rtcp: { port: rtcp.port, ...where } }),
    ...(rtcpMux && { rtcpMux: 'rtcp-mux' }),
  }
}

function cryptoLine({ tag, suite, key, lifetime, mki }: CryptoLine): NonNullable<Section['crypto']>[number] {
  return { id: tag, suite, config: [`inline:${key}`, lifetime, mki].filter((each) => each !== undefined).join('|') }
}

function iceLines({ ice }: MediaDescription): Partial<Section> {
  if (ice === undefined) return {}
  const { ufrag, pwd, options, candidates, remoteCandidates, endOfCandidates } = ice
  return {
    ...{ iceUfrag: ufrag, icePwd: pwd },
    ...(options !== undefined && { iceOptions: options }),
    ...(candidates.length > 0 && { candidates: candidates.map(candidateFields) }),
    ...(endOfCandidates && { endOfCandidates: 'end-of-candidates' }),
    ...(remoteCandidates !== undefined && { remoteCandidates }),
  }
}

function candidateFields(candidate: Candidate): CandidateFields {
  const { foundation, component, transport, priority, address, port, type, related, tcpType } = candidate
  return {
    ...{ foundation, component, transport, priority, ip: address, port, type },
    ...(related !== undefined && { raddr: related.address, rport: related.port }),
    ...(tcpType !== undefined && { tcptype: tcpType }),
  }
}

/** The library writes one fingerprint of a stream; a certificate may have several (RFC 8122 5). */
function withFingerprints(written: string, media: readonly MediaDescription[]): string {
  if (media.every(({ fingerprints }) => fingerprints.length === 0)) return written
  const [session = '', ...sections] = written.split(/^(?=m=)/m)
  const all = sections.map((each, index) => {
    const { port = 0, bundleOnly = false, fingerprints = [] } = media[index] ?? {}
    if (port === 0 && !bundleOnly) return each
    return each + fingerprints.map(({ algorithm, value }) => `a=fingerprint:${algorithm} ${value}\r\n`).join('')
  })
  return session + all.join('')
}
