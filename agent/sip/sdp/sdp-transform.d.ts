/** The part of sdp-transform that is used here; the package has no types of its own. Fields are as its grammar names them, all of them optional to a hostile peer. */
declare module 'sdp-transform' {
  /** What looks like a number is one; as text again it is what it was. */
  export type Text = string | number

  export interface SessionDescription extends Shared {
    version?: number
    origin?: {
      username: Text
      sessionId: Text
      sessionVersion: Text
      netType: string
      ipVer: number
      address: Text
    }
    name?: Text
    timing?: { start: number; stop: number }
    groups?: Array<{ type: Text; mids: Text }>
    media: MediaDescription[]
  }

  /** What a session says for all of its media, and a stream for itself. */
  export interface Shared {
    connection?: Connection
    direction?: string
    ptime?: Text
    maxptime?: Text
    setup?: Text
    icelite?: string
    iceUfrag?: Text
    icePwd?: Text
    iceOptions?: Text
    /** The last of them. */
    fingerprint?: { type: Text; hash: Text }
  }

  export interface Connection {
    version: number
    ip: Text
  }

  export interface MediaDescription extends Shared {
    type?: Text
    port?: Text
    protocol?: Text
    /** Space separated. */
    payloads?: Text
    rtp: Array<{ payload: Text; codec: Text; rate?: Text; encoding?: Text }>
    fmtp: Array<{ payload: Text; config: Text }>
    rtcpFb?: Array<{ payload: Text; type: Text; subtype?: Text }>
    rtcp?: { port: Text; netType?: string; ipVer?: number; address?: Text }
    rtcpMux?: string
    mid?: Text
    bundleOnly?: string
    crypto?: Array<{ id: Text; suite: Text; config: Text; sessionConfig?: Text }>
    candidates?: CandidateFields[]
    endOfCandidates?: string
    remoteCandidates?: Text
    /** Attributes that its grammar does not know. */
    invalid?: Array<{ value: Text }>
  }

  export interface CandidateFields {
    foundation: Text
    component: Text
    transport: Text
    priority: Text
    ip: Text
    port: Text
    type: Text
    raddr?: Text
    rport?: Text
    tcptype?: Text
  }

  export function parse(sdp: string): SessionDescription
  export function write(description: SessionDescription): string
}
