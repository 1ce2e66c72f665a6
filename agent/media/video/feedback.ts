/** Feedback about a video stream in RTCP: generic NACK and PLI (RFC 4585 6), FIR (RFC 5104 4.3.1), from and to octets. It decides nothing. */

/** Packets that are asked for again. */
export interface Nack {
  type: 'NACK'
  /** SSRC of whom asks. */
  sender: number
  /** SSRC of the stream. */
  media: number
  /** Sequence numbers, 16 bit, in the order of the stream. */
  lost: number[]
}

/** Pictures were lost; what is sent next should not need them. */
export interface PictureLoss {
  type: 'PLI'
  sender: number
  media: number
}

/** A key frame is demanded. */
export interface FullIntraRequest {
  type: 'FIR'
  sender: number
  /** The same command number again is the same command again (RFC 5104 4.3.1.1). */
  commands: Array<{ ssrc: number; number: number }>
}

export type Feedback = Nack | PictureLoss | FullIntraRequest

const TRANSPORT = 205
const PAYLOAD = 206
/** Feedback message types. */
const FORMAT = { NACK: 1, PLI: 1, FIR: 4 } as const
const HEADER = 12
/** A PID and the bits of the 16 behind it. */
const REACH = 16

/**
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |V=2|P|   FMT   |       PT      |          length               |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |                  SSRC of packet sender                        |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |                  SSRC of media source                         |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |  NACK: PID (16), BLP (16); FIR: SSRC, number (8), reserved    | ...
 *
 * All feedback of a compound packet, or of one that is not compound (RFC 5506); everything else in it is passed over. What comes after
 * octets that are no RTCP is not looked at, and feedback that is too short is none.
 */
export function parseFeedback(octets: Buffer): Feedback[] {
  const found: Feedback[] = []
  for (let offset = 0; offset + 4 <= octets.length;) {
    const end = offset + 4 + 4 * octets.readUInt16BE(offset + 2)
    if (octets.readUInt8(offset) >> 6 !== 2 || end > octets.length) break
    const feedback = parseOne(withoutPadding(octets.subarray(offset, end)))
    if (feedback) found.push(feedback)
    offset = end
  }
  return found
}

/** Whether feedback comes without the report that a compound packet begins with (RFC 5506). */
export function isFeedbackAlone(octets: Buffer): boolean {
  const type = octets[1]
  return type === TRANSPORT || type === PAYLOAD
}

/** RTCP packets to be put behind the report and the CNAME of a compound packet (RFC 4585 3.1), or alone where both sides agreed to that. */
export function buildFeedback(feedback: readonly Feedback[]): Buffer {
  return Buffer.concat(feedback.map(buildOne))
}

function withoutPadding(packet: Buffer): Buffer {
  if ((packet.readUInt8(0) & 0x20) === 0) return packet
  return packet.subarray(0, Math.max(0, packet.length - packet.readUInt8(packet.length - 1)))
}

function parseOne(packet: Buffer): Feedback | undefined {
  if (packet.length < HEADER) return undefined
  const format = packet.readUInt8(0) & 0x1f
  const sender = packet.readUInt32BE(4)
  const media = packet.readUInt32BE(8)
  switch (packet.readUInt8(1)) {
    case TRANSPORT:
      return format === FORMAT.NACK ? parseNack(packet, sender, media) : undefined
    case PAYLOAD:
      if (format === FORMAT.PLI) return { type: 'PLI', sender, media }
      return format === FORMAT.FIR ? parseFir(packet, sender) : undefined
    default:
      return undefined
  }
}

/** BLP: bit i, counted from the lowest, stands for PID + i + 1 (RFC 4585 6.2.1). */
function parseNack(packet: Buffer, sender: number, media: number): Nack | undefined {
  const lost: number[] = []
  for (let offset = HEADER; offset + 4 <= packet.length; offset += 4) {
    const first = packet.readUInt16BE(offset)
    const others = packet.readUInt16BE(offset + 2)
    lost.push(first)
    for (let bit = 0; bit < REACH; bit++) if ((others >> bit) & 1) lost.push((first + bit + 1) & 0xffff)
  }
  return lost.length > 0 ? { type: 'NACK', sender, media, lost } : undefined
}

function parseFir(packet: Buffer, sender: number): FullIntraRequest | undefined {
  const commands: FullIntraRequest['commands'] = []
  for (let offset = HEADER; offset + 8 <= packet.length; offset += 8) {
    commands.push({ ssrc: packet.readUInt32BE(offset), number: packet.readUInt8(offset + 4) })
  }
  return commands.length > 0 ? { type: 'FIR', sender, commands } : undefined
}

function buildOne(feedback: Feedback): Buffer {
  switch (feedback.type) {
    case 'NACK': {
      const fields = nackFields(feedback.lost)
      const packet = begin({ type: TRANSPORT, format: FORMAT.NACK }, 4 * fields.length, feedback)
      for (const [index, { first, others }] of fields.entries()) {
        packet.writeUInt16BE(first, HEADER + 4 * index)
        packet.writeUInt16BE(others, HEADER + 4 * index + 2)
      }
      return packet
    }
    case 'PLI':
      return begin({ type: PAYLOAD, format: FORMAT.PLI }, 0, feedback)
    case 'FIR': {
      const { commands, sender } = feedback
      // RFC 5104 4.3.1.2: the media source is in each command, and this field 0.
      const packet = begin({ type: PAYLOAD, format: FORMAT.FIR }, 8 * commands.length, { sender, media: 0 })
      for (const [index, { ssrc, number }] of commands.entries()) {
        packet.writeUInt32BE(ssrc, HEADER + 8 * index)
        packet.writeUInt8(number & 0xff, HEADER + 8 * index + 4)
      }
      return packet
    }
  }
}

function nackFields(lost: readonly number[]): Array<{ first: number; others: number }> {
  const fields: Array<{ first: number; others: number }> = []
  for (const number of lost) {
    const field = fields.at(-1)
    const distance = field ? (number - field.first) & 0xffff : 0
    if (field && distance > 0 && distance <= REACH) field.others |= 1 << (distance - 1)
    else fields.push({ first: number, others: 0 })
  }
  return fields
}

function begin(
  { type, format }: { type: number; format: number },
  length: number,
  { sender, media }: { sender: number; media: number },
): Buffer {
  const packet = Buffer.alloc(HEADER + length)
  packet.writeUInt8(0x80 | format, 0)
  packet.writeUInt8(type, 1)
  packet.writeUInt16BE(packet.length / 4 - 1, 2)
  packet.writeUInt32BE(sender, 4)
  packet.writeUInt32BE(media, 8)
  return packet
}
