/**
 * `node media-floor.ts '{"calls": 1000, "ports": [P], "rtcpPort": 0, "warmUp": 2, "seconds": 4}'`: the packets of so many two-way calls in
 * slots of 1 ms on as many sockets as the engine has, by node:dgram and nothing else. It keeps no statistics: the floor, and a sender.
 */
import type { Socket } from 'node:dgram'
import { createPacket, HEADER_LENGTH, stampPacket } from '../../agent/media/rtp.ts'
import { Histogram } from '../../agent/quality/index.ts'
import { expectShortLives } from '../../lib/short-lives.ts'
import { boundSocket, HOST, LATENESS, type LoadOptions, measured, PTIME } from './media-load.ts'
import { pause, report } from './reporting.ts'

interface Stream {
  readonly socket: Socket
  readonly port: number
  readonly packet: Buffer
  sequenceNumber: number
}

/** RTP timestamp units, and octets of G.711, a packet. */
const DURATION = 8 * PTIME
/** An octet of G.711 that is silence. */
const SILENCE = 0xd5

expectShortLives()
const { calls, ports, warmUp, seconds }: LoadOptions = JSON.parse(process.argv[2] ?? '')
const counts = { packetsSent: 0, packetsReceived: 0 }
const slots: Stream[][] = Array.from({ length: PTIME }, () => [])
let lateness = new Histogram(LATENESS.step, LATENESS.steps)

for (let call = 0; call < calls; call++) {
  const socket = await boundSocket()
  socket.on('message', () => counts.packetsReceived++)
  // For RTCP: nothing comes and goes there.
  await boundSocket()
  const packet = createPacket(8, call, DURATION).fill(SILENCE, HEADER_LENGTH)
  slots[call % PTIME]?.push({ socket, port: ports[call % ports.length] ?? 0, packet, sequenceNumber: 0 })
}
const epoch = performance.now()
let next = 0
turn()
await pause(warmUp * 1000)
lateness = new Histogram(LATENESS.step, LATENESS.steps)
const result = await measured(seconds, () => ({ ...counts }))
report({ ...result, lateness: lateness.quantile(0.99) })
process.exit()

function turn(): void {
  for (; epoch + next <= performance.now(); next++) {
    lateness.add(performance.now() - epoch - next)
    for (const stream of slots[next % PTIME] ?? []) send(stream)
  }
  setTimeout(turn, Math.max(0, epoch + next - performance.now()))
}

function send(stream: Stream): void {
  const { socket, packet, port } = stream
  const sequenceNumber = stream.sequenceNumber++
  stampPacket(packet, sequenceNumber === 0, sequenceNumber & 0xffff, (sequenceNumber * DURATION) >>> 0)
  socket.send(packet, port, HOST)
  counts.packetsSent++
}
