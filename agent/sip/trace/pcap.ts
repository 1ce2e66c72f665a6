/** Writes a trace as a pcap file that Wireshark and tshark show as SIP; it reads no message, and makes up no packet. */
import { isIPv4, isIPv6 } from 'node:net'
import type { Transport } from '../engine.ts'
import { type Drawable, type LadderMessage, stampOf } from './ladder.ts'

/** Microseconds, version 2.4 (draft-ietf-opsawg-pcap section 4). */
const MAGIC = 0xa1b2c3d4
/** LINKTYPE_WIRESHARK_UPPER_PDU: each record is one message of an upper layer, with tags that say whose. */
const LINK_TYPE = 252
/** No record is longer: a message of ours has its limits. */
const SNAP_LENGTH = 262_144

/** Tags of Wireshark's exported_pdu_tlvs.h. */
const TAG = {
  end: 0,
  dissector: 12,
  ipv4: { source: 20, destination: 21 },
  ipv6: { source: 22, destination: 23 },
  portType: 24,
  port: { source: 25, destination: 26 },
} as const

/** TLS and WebSocket run over TCP; Via and the URIs say which of them it was. */
const PORT_TYPE: Readonly<Record<Transport, number>> = { UDP: 3, TCP: 2, TLS: 2, WS: 2, WSS: 2 }

/**
 * Every message as it stands in the trace, secrets redacted and retransmissions included, in the order of time, with addresses and
 * ports. What was kept are messages, not packets: so no IP header, TCP segment or TLS record is made up around them, messages over
 * TLS and WSS are readable, and SIP is recognized on every port. The price: tools that know IP packets alone cannot read it.
 *
 *     | seconds:32 | microseconds:32 | length:32 | length:32 |       a record
 *     | tag:16 | length:16 | value, padded to 32 bits | ... | 0:32 | message |
 */
export function renderPcap({ messages }: Pick<Drawable, 'messages'>): Buffer {
  const ordered = messages.toSorted((left, right) => stampOf(left) - stampOf(right))
  const [first] = ordered
  const records = first ? ordered.map((message) => record(message, first.at + stampOf(message) - stampOf(first))) : []
  const header = Buffer.alloc(24)
  header.writeUInt32LE(MAGIC, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(SNAP_LENGTH, 16)
  header.writeUInt32LE(LINK_TYPE, 20)
  return Buffer.concat([header, ...records])
}

/** @param at milliseconds since 1970 */
function record(message: LadderMessage, at: number): Buffer {
  const { direction, transport, local, remote, text } = message
  const [source, destination] = direction === 'Out' ? [local, remote] : [remote, local]
  const content = Buffer.concat([
    tag(TAG.dissector, Buffer.from('sip')),
    ...address(source, 'source'),
    ...address(destination, 'destination'),
    tag(TAG.portType, number(PORT_TYPE[transport])),
    tag(TAG.end, Buffer.alloc(0)),
    Buffer.from(text),
  ])
  const microseconds = Math.round(at * 1000)
  const header = Buffer.alloc(16)
  header.writeUInt32LE(Math.floor(microseconds / 1_000_000), 0)
  header.writeUInt32LE(microseconds % 1_000_000, 4)
  header.writeUInt32LE(content.length, 8)
  header.writeUInt32LE(content.length, 12)
  return Buffer.concat([header, content])
}

/** Tags of `host:port`; a host that is no address has none. */
function address(text: string, side: 'source' | 'destination'): Buffer[] {
  const [, host = '', port = '0'] = /^\[?(.*?)\]?:(\d+)$/.exec(text) ?? []
  const tags = [tag(TAG.port[side], number(Number(port)))]
  if (isIPv4(host)) tags.push(tag(TAG.ipv4[side], Buffer.from(host.split('.').map(Number))))
  else if (isIPv6(host)) tags.push(tag(TAG.ipv6[side], ipv6(host)))
  return tags
}

/** The 16 octets of an IPv6 address. A URL writes it in hexadecimal groups alone, with at most one `::` (RFC 5952). */
function ipv6(host: string): Buffer {
  const [zoneless = ''] = host.split('%')
  const groups = (part: string) => part.split(':').filter((group) => group !== '')
  const [left = '', right = ''] = new URL(`http://[${zoneless}]`).hostname.slice(1, -1).split('::')
  const [before, after] = [groups(left), groups(right)]
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  const octets = Buffer.alloc(16)
  for (const [index, group] of [...before, ...zeros, ...after].entries())
    octets.writeUInt16BE(Number.parseInt(group, 16), 2 * index)
  return octets
}

function tag(type: number, value: Buffer): Buffer {
  const padded = Buffer.alloc(4 + 4 * Math.ceil(value.length / 4))
  padded.writeUInt16BE(type, 0)
  padded.writeUInt16BE(padded.length - 4, 2)
  value.copy(padded, 4)
  return padded
}

function number(value: number): Buffer {
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(value)
  return octets
}
