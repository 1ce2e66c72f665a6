/** The door's part about peers: where one is, how it is reached and trusted, and what it shows of itself. Nothing is located here. */

export type Transport = 'UDP' | 'TCP' | 'TLS' | 'WS' | 'WSS'

/** An address that was used: `host` is an IP address. */
export interface Endpoint {
  host: string
  port: number
  transport: Transport
}

/** How TLS is set up towards a peer, and how its certificate is verified. All texts are PEM. */
export interface TlsSettings {
  /** The certificates that are trusted. Absent: those that Node trusts. */
  ca?: string
  /** Our own, for peers that ask for one. */
  certificate?: { certificate: string; key: string }
  /** The name asked for (SNI) and verified. Absent: the host of the hop. */
  serverName?: string
  /** `Full`: chain and name; `CA`: the chain alone; `None`: neither. */
  verify: 'Full' | 'CA' | 'None'
}

/** Where requests are sent first. What is left out is located (RFC 3263); an IP address pins: one attempt to one address. */
export interface Hop {
  /** A name or an IP address. */
  host: string
  port?: number
  transport?: Transport
  /** Of the WebSocket's URL; default `/`. */
  path?: string
  /** Of the addresses that are used; default: both. */
  family?: 4 | 6
  /** For TLS and WSS. Absent: `Full`, with the certificates that Node trusts. */
  tls?: TlsSettings
  /** Where the peer answered before. It is asked first when it is one of the addresses, and when the DNS does not answer. */
  prefer?: Endpoint | undefined
}

/** What a peer showed of itself over TLS. */
export interface PeerCertificate {
  /** As a distinguished name: `CN=sip.example.com, O=Example`. */
  subject: string
  /** Milliseconds since 1970. */
  validTo: number
}

/** Over TLS and WSS. */
export interface Certified {
  readonly certificate?: PeerCertificate | undefined
}
