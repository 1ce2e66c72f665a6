/** The part of sdp-transform that is used here; the package has no types of its own. Fields are as its grammar names them, all of them optional to a hostile peer. */
declare module 'sdp-transform' {
  export interface SessionDescription {
    version?: number
    origin?: {
      username: string
      sessionId: number | string
      sessionVersion: number | string
      netType: string
      ipVer: number
      address: string
    }
    name?: string
    connection?: Connection
    timing?: { start: number; stop: number }
    direction?: string
    ptime?: number
    media: MediaDescription[]
  }

  export interface Connection {
    version: number
    ip: string
  }

  export interface MediaDescription {
    type?: string
    port?: number
    protocol?: string
    /** Space separated; a number when there is only one. */
    payloads?: string | number
    connection?: Connection
    rtp: Array<{ payload: number; codec: string; rate?: number; encoding?: number | string }>
    fmtp: Array<{ payload: number; config: string }>
    ptime?: number
    maxptime?: number
    direction?: string
    rtcp?: { port: number; netType?: string; ipVer?: number; address?: string }
  }

  export function parse(sdp: string): SessionDescription
  export function write(description: SessionDescription): string
}
