/** Writes UDP datagrams as a pcap file, each under made-up IPv4 headers, so that tshark takes them for captured ones. It sends nothing. */

export interface Datagram {
  /** Milliseconds since 1970; kept to the nanosecond. */
  at: number
  sourcePort: number
  destinationPort: number
  payload: Uint8Array
}

/** Nanoseconds, version 2.4 (draft-ietf-opsawg-pcap section 4). */
const MAGIC = 0xa1b23c4d
/** LINKTYPE_RAW: each record begins with an IP header. */
const LINK_TYPE = 101
const UDP = 17
const IP_HEADER = 20
const UDP_HEADER = 8
const LONGEST = 65_535

/** From 192.0.2.1 to 192.0.2.2 (RFC 5737), in the order given. */
export function udpPcap(datagrams: readonly Datagram[]): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(MAGIC, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(LONGEST, 16)
  header.writeUInt32LE(LINK_TYPE, 20)
  return Buffer.concat([header, ...datagrams.map(record)])
}

/** A UDP checksum of 0 says that there is none (RFC 768). */
function record({ at, sourcePort, destinationPort, payload }: Datagram): Buffer {
  const length = IP_HEADER + UDP_HEADER + payload.length
  const octets = Buffer.alloc(16 + length)
  const seconds = Math.floor(at / 1000)
  octets.writeUInt32LE(seconds, 0)
  octets.writeUInt32LE(Math.round((at - seconds * 1000) * 1e6), 4)
  octets.writeUInt32LE(length, 8)
  octets.writeUInt32LE(length, 12)
  const ip = octets.subarray(16)
  ip.set([0x45, 0, length >> 8, length & 0xff, 0, 0, 0, 0, 64, UDP, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2])
  ip.writeUInt16BE(checksum(ip.subarray(0, IP_HEADER)), 10)
  ip.writeUInt16BE(sourcePort, IP_HEADER)
  ip.writeUInt16BE(destinationPort, IP_HEADER + 2)
  ip.writeUInt16BE(UDP_HEADER + payload.length, IP_HEADER + 4)
  ip.set(payload, IP_HEADER + UDP_HEADER)
  return octets
}

/** RFC 791 3.1. */
function checksum(header: Buffer): number {
  let sum = 0
  for (let offset = 0; offset < header.length; offset += 2) sum += header.readUInt16BE(offset)
  return 0xffff & ~((sum & 0xffff) + (sum >> 16))
}
