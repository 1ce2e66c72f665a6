/**
 * `node media-peer.ts`: the far end of all calls: RTP comes back as it came, an SR is answered at once. Says {"event":"ready"} with its
 * ports. SIGUSR2: how late packets came since the last time; that contains what this process is late itself.
 */
import { compactNtp } from '../../agent/media/ntp.ts'
import { buildCompound, parseCompound } from '../../agent/media/rtcp.ts'
import { timestamp } from '../../agent/media/rtp.ts'
import { Histogram } from '../../agent/quality/index.ts'
import { expectShortLives } from '../../lib/short-lives.ts'
import { boundSocket, HOST, LATENESS } from './media-load.ts'
import { report } from './reporting.ts'

/** One has the system's buffer for some 300 packets: that is 3 ms of 2,000 calls. */
const SOCKETS = 50
const SSRC = 0x70_65_65_72
/** RTP timestamp units a millisecond. */
const UNITS = 8

expectShortLives()
/** By the caller's port: its first timestamp, and when that came if it came as fast as the fastest packet. */
const first = new Float64Array(65_536).fill(NaN)
const start = new Float64Array(65_536)
let lateness = new Histogram(LATENESS.step, LATENESS.steps)

const ports: number[] = []
while (ports.length < SOCKETS) {
  const socket = await boundSocket()
  ports.push(socket.address().port)
  socket.on('message', (packet, { port }) => {
    arrived(performance.now(), timestamp(packet), port)
    socket.send(packet, port, HOST)
  })
}
const rtcp = await boundSocket()
rtcp.on('message', (octets, { port }) => {
  const [sent] = parseCompound(octets) ?? []
  if (sent?.type === 'SR') rtcp.send(receiverReport(sent.ssrc, compactNtp(sent.ntp)), port, HOST)
})
process.on('SIGUSR2', () => {
  report({ event: 'lateness', p99: lateness.quantile(0.99) ?? null, packets: lateness.count })
  lateness = new Histogram(LATENESS.step, LATENESS.steps)
})
report({ event: 'ready', ports, rtcpPort: rtcp.address().port })

/** A packet is late against the fastest of its call: they all left a packet time apart. */
function arrived(at: number, units: number, port: number): void {
  const begin = first[port] ?? NaN
  if (Number.isNaN(begin)) first[port] = units
  const sinceFirst = Number.isNaN(begin) ? 0 : ((units - begin) | 0) / UNITS
  const origin = at - sinceFirst
  if (Number.isNaN(begin) || origin < (start[port] ?? 0)) start[port] = origin
  lateness.add(origin - (start[port] ?? 0))
}

function receiverReport(ssrc: number, lastSenderReport: number): Buffer {
  const loss = { fractionLost: 0, cumulativeLost: 0, extendedHighest: 0, jitter: 0 }
  const block = { ssrc, ...loss, lastSenderReport, delaySinceLastSenderReport: 0 }
  return buildCompound([{ type: 'RR', ssrc: SSRC, reports: [block] }])
}
