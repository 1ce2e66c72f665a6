/** What the network did to the packets: counts, rates, order, spacing. */
import { judged, neverAbsent, ofACall, withoutMedia } from './definition.ts'
import type { MetricDefinition } from './definition.ts'

const tooShort = 'fewer than two packets were received'
const count = { ...ofACall, unit: 'packets', source: 'RFC 3550 section 6.4.1', absentWhen: neverAbsent } as const
const bytes = { ...count, unit: 'bytes' } as const
const spacing = {
  ...ofACall,
  unit: 'ms',
  source: 'own: arrival stamps of the socket',
  absentWhen: tooShort,
} as const

export const networkMetrics = {
  packetsSent: {
    ...count,
    title: 'Packets sent',
    definition: 'RTP packets we sent.',
    cannotSee: 'Whether they arrived (`remotePacketLoss`).',
  },
  packetsReceived: {
    ...count,
    title: 'Packets received',
    direction: 'Higher',
    definition: 'RTP packets of the other side that arrived, duplicates included.',
    cannotSee: 'What else came to the port: only RTP of the other side counts.',
  },
  bytesSent: {
    ...bytes,
    title: 'Bytes sent',
    definition: 'RTP payload and headers we sent.',
    cannotSee: 'Headers below RTP.',
  },
  bytesReceived: {
    ...bytes,
    title: 'Bytes received',
    definition: 'RTP payload and headers that arrived.',
    cannotSee: 'Headers below RTP.',
  },
  packetRateSent: {
    ...count,
    title: 'Packet rate sent',
    unit: 'packets/s',
    definition: 'Packets sent per second of media.',
    cannotSee: 'Packets that left late: it is a mean.',
  },
  packetRateReceived: {
    ...count,
    title: 'Packet rate received',
    unit: 'packets/s',
    definition: 'Packets received per second of media.',
    absentWhen: tooShort,
    cannotSee: 'Gaps: it is a mean (`interarrivalMax`).',
  },
  bitRateSent: {
    ...count,
    title: 'Bit rate sent',
    unit: 'bit/s',
    definition: 'Bits sent per second of media.',
    cannotSee: 'Headers below RTP.',
  },
  bitRateReceived: {
    ...count,
    title: 'Bit rate received',
    unit: 'bit/s',
    definition: 'Bits received per second of media.',
    absentWhen: tooShort,
    cannotSee: 'Headers below RTP.',
  },
  duplicates: {
    ...count,
    title: 'Duplicates',
    direction: 'Lower',
    definition: 'Packets whose sequence number had arrived before.',
    absentWhen: withoutMedia,
    cannotSee: 'Whether the sender or the network doubled them; copies that came more than 512 packets later.',
  },
  outOfOrder: {
    ...count,
    title: 'Out of order',
    direction: 'Lower',
    definition: 'Packets below the highest sequence number seen that are not duplicates.',
    absentWhen: withoutMedia,
    cannotSee: 'By how much; packets that came more than 512 packets late.',
  },
  sequenceResets: {
    ...count,
    title: 'Sequence resets',
    unit: 'count',
    direction: 'Lower',
    definition: 'Jumps of the sequence number too large to be loss: the sender began anew.',
    source: 'RFC 3550 A.1',
    absentWhen: withoutMedia,
    cannotSee: 'A new beginning near the old numbers: it looks like loss.',
  },
  longestLossRun: {
    ...judged,
    title: 'Longest loss run',
    unit: 'packets',
    direction: 'Lower',
    range: [0, 100_000],
    definition: 'The most packets lost one after the other.',
    source: 'own, over RFC 3611 section 4.7.2',
    absentWhen: withoutMedia,
    cannotSee: 'Loss before the first and after the last packet; packets too late to be played.',
  },
  interarrivalMin: {
    ...spacing,
    title: 'Spacing, least',
    definition: 'Shortest time between two arrivals.',
    cannotSee: 'Whether the network or the sender bunched them.',
  },
  interarrivalMax: {
    ...spacing,
    title: 'Spacing, most',
    direction: 'Lower',
    definition: 'Longest time between two arrivals.',
    cannotSee: 'Whether the sender paused or the network did.',
  },
  interarrivalP95: {
    ...spacing,
    title: 'Spacing, 95th percentile',
    direction: 'Lower',
    definition: '95 % of the arrivals came at most this long after the one before.',
    cannotSee: 'What happened to the rarest twentieth; steps of 0.5 ms.',
  },
} as const satisfies Record<string, MetricDefinition>
