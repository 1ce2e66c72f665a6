/** What audio and video of a call have in common: where the peer is, and how a stream is encrypted. It knows no codec. */
import type { CryptoLine, Fingerprint, MediaDescription, SessionDescription } from './description.ts'
import type { Direction } from './hold.ts'
import type { Agreed } from './negotiate.ts'

/** Where the peer wants to get a stream and how, from its offer or its answer. */
export interface RemoteStream {
  address: string
  rtpPort: number
  rtcpPort: number
  /** As the peer sees it: its `sendonly` is our receive only. */
  direction: Direction
  /** Both sides have a=rtcp-mux. */
  rtcpMux: boolean
  /** Under which keys either side sends; absent: it is not encrypted, or they come of a handshake. */
  keys?: { local: CryptoLine; remote: CryptoLine }
}

/** How a stream is to be encrypted, by key lines (RFC 4568) or by DTLS (RFC 5763); who decides it knows the keys, SDP carries them. */
export interface KeysOfStream {
  /** One line for each suite that we can, best first. */
  lines: readonly CryptoLine[]
  /** Of our certificate; none: no handshake. */
  fingerprints: readonly Fingerprint[]
  /** False: they are offered under RTP/AVP, and the peer may leave them. */
  required: boolean
  /** What of the peer's offer or answer is taken. */
  choose(remote: RemoteKeys, from: 'Offer' | 'Answer'): KeyChoice
}

/** What a description says of the encryption of a stream. */
export interface RemoteKeys {
  profile: string
  keyLines: readonly CryptoLine[]
  /** Whether it has the fingerprint of a certificate. */
  fingerprint: boolean
}

/** `line`: one of the peer's; absent: the stream is not encrypted. `detail`: a sentence without its end, for a human. */
export type KeyChoice = { kind: 'Taken'; line?: CryptoLine } | { kind: 'Refused'; detail: string }

export function remoteStream({ port, rtcp, direction }: MediaDescription, agreed: Agreed): RemoteStream {
  const { address, keying, rtcpMux } = agreed
  return {
    ...{ address, rtpPort: port, rtcpPort: rtcp?.port ?? port + 1, direction, rtcpMux },
    ...(keying.kind === 'SDES' && { keys: { local: keying.local, remote: keying.remote } }),
  }
}

/** The peer's description with the one key line of each stream of a kind that is taken; a stream whose keys are refused is as if it were not there. */
export function withChosenKeys(
  description: SessionDescription,
  of: 'audio' | 'video',
  { keys, from }: { keys: KeysOfStream | undefined; from: 'Offer' | 'Answer' },
): { description: SessionDescription; refusals: string[] } {
  const refusals: string[] = []
  if (keys === undefined) return { description, refusals }
  const media = description.media.map((each): MediaDescription => {
    const { kind, port, profile, crypto: keyLines, fingerprints } = each
    if (kind !== of || port === 0) return each
    const choice = keys.choose({ profile, keyLines, fingerprint: fingerprints.length > 0 }, from)
    if (choice.kind === 'Taken') return { ...each, crypto: choice.line ? [choice.line] : [] }
    refusals.push(choice.detail)
    return { ...each, port: 0, bundleOnly: false }
  })
  return { description: { ...description, media }, refusals }
}

/** The first is offered, any of them is taken. */
export function profilesOf(keys: KeysOfStream | undefined): string[] {
  if (keys === undefined) return ['RTP/AVP']
  if (keys.fingerprints.length > 0) return ['UDP/TLS/RTP/SAVPF', 'UDP/TLS/RTP/SAVP']
  return keys.required ? ['RTP/SAVP', 'RTP/AVP'] : ['RTP/AVP', 'RTP/SAVP']
}
