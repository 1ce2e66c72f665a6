/** Every feature of the SIP user agent by name, and the tags with which a lab test says which of them it shows against which peer. The table made of them is feature-table.ts. */

export interface Feature {
  readonly name: string
  /** Where it is specified. */
  readonly source: string
  /** Why no peer that can be installed shows it; without a reason, a passed test of the lab must. */
  readonly noPeer?: string
}

/** Real programs. What SIPp does it is told by a scenario file. */
export const PEERS = ['Kamailio', 'SIPp', 'baresip', 'sipsak', 'tshark'] as const
export type Peer = (typeof PEERS)[number]

export const FEATURES = {
  Transports: {
    udp: { name: 'UDP', source: 'RFC 3261 18' },
    tcp: { name: 'TCP', source: 'RFC 3261 18' },
    tls: { name: 'TLS', source: 'RFC 3261 26.2' },
    ws: { name: 'WebSocket', source: 'RFC 7118' },
    wss: { name: 'WebSocket over TLS', source: 'RFC 7118' },
    ipv6: { name: 'IPv6', source: 'RFC 3261 18, RFC 5118' },
    'shared-sockets': { name: 'one socket for all calls', source: 'RFC 3261 18' },
    'connection-reuse': { name: 'connections are used in both directions, and again', source: 'RFC 3261 18.1.1' },
    'keep-alive': { name: 'keep-alive by CRLF', source: 'RFC 5626 4.4.1' },
    rport: { name: '`rport`: answers go to where the request came from', source: 'RFC 3581' },
    received: { name: '`received` says where a request came from', source: 'RFC 3261 18.2.1' },
    'large-requests': { name: 'a request too large for UDP goes over TCP', source: 'RFC 3261 18.1.1' },
    framing: { name: 'messages of a stream are told apart by Content-Length', source: 'RFC 3261 18.3' },
    'source-address': { name: 'source address as set', source: 'RFC 3261 18.1.1' },
    'port-range': { name: 'local ports from a range', source: 'RFC 3261 18' },
    'private-ca': { name: 'TLS: a private CA is trusted', source: 'RFC 5922 7' },
    'client-certificate': { name: 'TLS: our own certificate, when the server asks', source: 'RFC 3261 26.2.1' },
    sni: { name: 'TLS: the server is asked for by name (SNI)', source: 'RFC 6066 3' },
    'verify-modes': { name: 'TLS: verify chain and name, chain alone, or nothing', source: 'RFC 5922 7' },
    'certificate-expiry': { name: 'TLS: when the certificate of the server expires', source: 'RFC 5280 4.1.2.5' },
  },
  Locating: {
    naptr: { name: 'NAPTR chooses the transport', source: 'RFC 3263 4.1' },
    srv: { name: 'SRV with priorities and weights', source: 'RFC 3263 4.2, RFC 2782' },
    addresses: { name: 'A and AAAA', source: 'RFC 3263 4.2' },
    'failover-silence': { name: 'the next server after silence', source: 'RFC 3263 4.3' },
    'failover-refused': { name: 'the next server after a refused connection', source: 'RFC 3263 4.3' },
    'failover-503': { name: 'the next server after a 503', source: 'RFC 3263 4.3' },
    'used-address': { name: 'the address used, and those tried before', source: 'RFC 3263 4.3' },
    pinned: { name: 'one attempt to one address that is given', source: 'RFC 3263 4.2' },
  },
  Transactions: {
    'invite-client': { name: 'INVITE, client: timers A, B, D', source: 'RFC 3261 17.1.1' },
    'non-invite-client': { name: 'other requests, client: timers E, F, K', source: 'RFC 3261 17.1.2' },
    'invite-server': { name: 'INVITE, server: timers G, H, I', source: 'RFC 3261 17.2.1' },
    'non-invite-server': { name: 'other requests, server: timer J', source: 'RFC 3261 17.2.2' },
    accepted: { name: '200 to an INVITE: timers L, M', source: 'RFC 6026 7' },
  },
  Dialogs: {
    forking: { name: 'several early dialogs of one INVITE', source: 'RFC 3261 13.2.2.1' },
    'forked-answers': { name: 'a second 200 is acknowledged and hung up', source: 'RFC 3261 13.2.2.4' },
    'route-set': { name: 'route sets', source: 'RFC 3261 12.1' },
    'target-refresh': { name: 'the remote target changes within the call', source: 'RFC 3261 12.2.1.2' },
  },
  Digest: {
    md5: { name: 'MD5', source: 'RFC 7616 3.4' },
    'sha-256': { name: 'SHA-256', source: 'RFC 8760 2' },
    'sha-512-256': { name: 'SHA-512-256', source: 'RFC 8760 2' },
    sess: { name: 'the -sess algorithms', source: 'RFC 7616 3.4.2' },
    'auth-int': { name: '`qop=auth-int`', source: 'RFC 7616 3.4.3' },
    'several-challenges': { name: 'of several challenges the strongest that we can answer', source: 'RFC 8760 2.4' },
    stale: { name: 'a stale nonce is no wrong password', source: 'RFC 7616 3.3' },
    'nonce-reuse': { name: 'a nonce is used again, counted by `nc`', source: 'RFC 7616 3.3' },
    'proxy-and-server': { name: '407 of a proxy and 401 of the server, in one request', source: 'RFC 3261 22.3' },
  },
  Registration: {
    register: { name: 'register', source: 'RFC 3261 10.2' },
    refresh: { name: 'refresh before it expires', source: 'RFC 3261 10.2.4' },
    'interval-too-brief': { name: '423: asked again, for as long as the registrar wants', source: 'RFC 3261 10.2.8' },
    'many-bindings': { name: 'many bindings of one user', source: 'RFC 3261 10.2.1' },
    unregister: { name: 'remove our own binding, no other', source: 'RFC 3261 10.2.2' },
  },
  Session: {
    'prack-caller': { name: 'reliable provisional responses, as caller', source: 'RFC 3262 4' },
    'prack-callee': { name: 'reliable provisional responses, as callee', source: 'RFC 3262 3' },
    'session-timer-ours': { name: 'session timer: we refresh', source: 'RFC 4028 7' },
    'session-timer-theirs': { name: 'session timer: the peer refreshes', source: 'RFC 4028 9' },
    'session-interval-too-small': {
      name: '422: asked again, with the interval that the peer accepts',
      source: 'RFC 4028 7.3',
    },
    'update-sent': { name: 'UPDATE, sent', source: 'RFC 3311 5.1' },
    'update-received': { name: 'UPDATE, received', source: 'RFC 3311 5.2' },
    hold: { name: 'hold and resume', source: 'RFC 3264 8.4' },
    held: { name: 'held and resumed by the peer', source: 'RFC 3264 8.4' },
    'codec-change': { name: 'another codec by re-INVITE', source: 'RFC 3261 14' },
    glare: { name: '491: both sides at once', source: 'RFC 3261 14.1' },
    'info-sent': { name: 'INFO, sent', source: 'RFC 6086' },
    'info-received': { name: 'INFO, received', source: 'RFC 6086' },
    'refer-sent': { name: 'REFER, sent, with its NOTIFY', source: 'RFC 3515 2.4' },
    'refer-received': { name: 'REFER, received, with its NOTIFY', source: 'RFC 3515 2.4' },
    'options-sent': { name: 'OPTIONS, sent', source: 'RFC 3261 11.1' },
    'options-received': { name: 'OPTIONS, answered', source: 'RFC 3261 11.2' },
    cancel: { name: 'CANCEL, sent', source: 'RFC 3261 9.1' },
    cancelled: { name: 'CANCEL, received', source: 'RFC 3261 9.2' },
    'cancel-crossing': { name: 'a 200 that crosses our CANCEL', source: 'RFC 3261 9.1' },
    redirection: { name: '3xx followed, as often as allowed', source: 'RFC 3261 8.1.3.4' },
    redirecting: { name: '3xx sent', source: 'RFC 3261 8.3' },
    reason: { name: 'Reason in BYE and CANCEL', source: 'RFC 3326' },
    'early-media': { name: 'early media', source: 'RFC 3960 3' },
    'late-offer-caller': { name: 'late offer, as caller', source: 'RFC 3261 13.2.1' },
    'late-offer-callee': { name: 'late offer, as callee', source: 'RFC 3261 13.3.1' },
    replaces: { name: 'Replaces: one call takes the place of another', source: 'RFC 3891' },
  },
  SDP: {
    'several-media': { name: 'several media, an m= line each', source: 'RFC 3264 6' },
    'rtcp-mux': { name: '`rtcp-mux`', source: 'RFC 5761 5.1.1' },
    'dtmf-payload': { name: 'the payload type of DTMF', source: 'RFC 4733' },
    sdes: { name: 'SDES keys', source: 'RFC 4568' },
    dtls: { name: 'DTLS fingerprint and setup', source: 'RFC 5763 5' },
    ice: { name: 'ICE candidates and credentials', source: 'RFC 8839' },
    direction: { name: 'directions of hold', source: 'RFC 3264 6.1' },
    'codec-preference': { name: 'preference among codecs', source: 'RFC 3264 6.1' },
  },
  'Timings and trace': {
    arrival: {
      name: 'arrival is stamped before parsing',
      source: 'RFC 6076 4',
      noPeer: 'none sees when we look at the clock',
    },
    'call-metrics': { name: 'delays of registration, session request, session disconnect', source: 'RFC 6076 4' },
    retransmissions: { name: 'retransmissions, sent and received', source: 'RFC 3261 17' },
    'authentication-rounds': { name: 'rounds of authentication', source: 'RFC 3261 22' },
    ladder: { name: 'the trace as a ladder', source: 'RFC 3665' },
    pcap: { name: 'the trace as pcap', source: 'draft-ietf-opsawg-pcap' },
    redaction: { name: 'no secret in a trace', source: 'RFC 7616 5' },
  },
  'Hostile input': {
    'message-size': { name: 'bound on the size of a message', source: 'RFC 3261 18.3' },
    'header-count': { name: 'bound on the number of headers', source: 'RFC 3261 7.3' },
    nesting: {
      name: 'bound on nesting',
      source: 'RFC 3261 25.1',
      noPeer: 'no program writes it; generated messages do',
    },
    'transaction-limit': { name: 'bound on transactions', source: 'RFC 3261 26.3.2.4' },
    'dialog-limit': { name: 'bound on dialogs', source: 'RFC 3261 26.3.2.4' },
    unparsable: { name: 'what cannot be parsed is counted', source: 'RFC 3261 21.4.1' },
    silence: { name: 'a peer that falls silent, at each step of a call', source: 'RFC 3261 17.1.1.2' },
    garbage: { name: 'a peer that sends garbage, at each step of a call', source: 'RFC 3261 18.1.2' },
    duplicates: { name: 'messages twice, and in another order', source: 'RFC 3261 17' },
    torture: {
      name: 'torture messages',
      source: 'RFC 4475',
      noPeer: 'messages of the RFC, sent by a socket of the test',
    },
    'torture-ipv6': {
      name: 'torture messages for IPv6',
      source: 'RFC 5118',
      noPeer: 'messages of the RFC, sent by a socket of the test',
    },
    fuzzing: {
      name: 'fuzzed messages, from a kept corpus',
      source: 'RFC 4475 3',
      noPeer: 'messages made by a generator of the test',
    },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Feature>>>>

type Groups = typeof FEATURES
export type FeatureId = { [Group in keyof Groups]: keyof Groups[Group] & string }[keyof Groups]
export type Tag = `${Peer}:${FeatureId}`

declare module 'vitest' {
  interface TestTags {
    feature: Tag
  }
}

/** All features in the order of the table. */
export function features(): { group: string; id: FeatureId; feature: Feature }[] {
  return Object.entries(FEATURES).flatMap(([group, members]) =>
    Object.entries<Feature>(members).flatMap(([id, feature]) => (isFeature(id) ? [{ group, id, feature }] : [])),
  )
}

function isFeature(id: string): id is FeatureId {
  return Object.values(FEATURES).some((members) => id in members)
}

/** What a test says it shows when it passes, as options of `test` and `describe`: `test('...', shows({ Kamailio: ['tls', 'register'] }), ...)`. */
export function shows(shown: Partial<Record<Peer, readonly FeatureId[]>>): { tags: Tag[] } {
  return { tags: PEERS.flatMap((peer) => (shown[peer] ?? []).map((id): Tag => `${peer}:${id}`)) }
}

/** The tags that Vitest knows: a tag that is none of these fails the run. */
export function tagDefinitions(): { name: Tag; description: string }[] {
  return features().flatMap(({ id, feature }) =>
    PEERS.map((peer): { name: Tag; description: string } => ({
      name: `${peer}:${id}`,
      description: `${feature.name}, shown by ${peer}`,
    })),
  )
}
