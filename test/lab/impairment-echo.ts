/**
 * `node impairment-echo.ts '{"impairment": {...}, "roundTrip": 80, "seed": 1, "record": "FILE"}'`: the relay that is the far end of many
 * calls itself. RTP comes back as it came, but for what the schedule of its call says; an SR is answered, `roundTrip` milliseconds later.
 * Says {"event":"ready"} with its ports; SIGTERM: writes the record and ends. It knows no SIP.
 */
import { writeFileSync } from 'node:fs'
import { systemClock } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/random.ts'
import { PassageRecord } from './impairment-record.ts'
import { type Impairment, Schedule } from './impairment-schedule.ts'
import { boundSocket } from './impairment.ts'

export interface EchoOptions {
  /** Of the way through the echo, each call with a schedule of its own. */
  impairment: Impairment
  /** Milliseconds. */
  roundTrip: number
  seed: number
  /** Where the record is written to, as `readRecord` reads it. */
  record: string
}

const HOST = '127.0.0.1'
/** The system holds some 10,000 packets a socket: what the calls of a process send at once after it stood still is more. */
const SOCKETS = 8
/** Of the reports: no call has it. */
const SSRC = 0x72_65_6c_79

const options: EchoOptions = JSON.parse(process.argv[2] ?? '')
const { impairment, roundTrip, seed } = options
const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => boundSocket(HOST)))
const { socket: rtcp, port: rtcpPort } = await boundSocket(HOST)
const record = new PassageRecord()
const schedules = new Map<number, Schedule>()

for (const { socket: rtp } of sockets) {
  rtp.on('message', (packet, { port }) => {
    const arrivedAt = systemClock.monotonic()
    const row = record.add({
      ...{ kind: 'Rtp', port, ssrc: packet.readUInt32BE(8), timestamp: packet.readUInt32BE(4) },
      ...{ sequenceNumber: packet.readUInt16BE(2), arrivedAt },
    })
    for (const delay of scheduleOf(port).next()) {
      systemClock.timer(delay, () => {
        record.depart(row, systemClock.monotonic())
        rtp.send(packet, port, HOST)
      })
    }
  })
}

rtcp.on('message', (report, { port }) => {
  const arrivedAt = systemClock.monotonic()
  if (report.readUInt8(1) !== SR) return
  const ssrc = report.readUInt32BE(4)
  const timestamp = report.readUInt32BE(10)
  const row = record.add({ kind: 'Rtcp', port, ssrc, timestamp, sequenceNumber: 0, arrivedAt })
  systemClock.timer(roundTrip, () => {
    const answer = receiverReport(ssrc, timestamp)
    record.depart(row, systemClock.monotonic())
    rtcp.send(answer, port, HOST)
  })
})

process.on('SIGTERM', () => {
  writeFileSync(options.record, record.octets())
  process.exit()
})
process.stdout.write(`${JSON.stringify({ event: 'ready', rtpPorts: sockets.map(({ port }) => port), rtcpPort })}\n`)

function scheduleOf(port: number): Schedule {
  let schedule = schedules.get(port)
  if (!schedule) {
    schedule = new Schedule(impairment, seededRandom(seed + port))
    schedules.set(port, schedule)
  }
  return schedule
}

/** Octet 1 of a report (RFC 3550 6.4). */
const SR = 200
const RR = 201

/** One block that returns the stamp of the SR with no delay: so all the time that it was held is round trip (RFC 3550 6.4.2). */
function receiverReport(about: number, lastSenderReport: number): Buffer {
  const octets = Buffer.alloc(32)
  octets.writeUInt8(0x81, 0)
  octets.writeUInt8(RR, 1)
  octets.writeUInt16BE(octets.length / 4 - 1, 2)
  octets.writeUInt32BE(SSRC, 4)
  octets.writeUInt32BE(about, 8)
  octets.writeUInt32BE(lastSenderReport, 24)
  return octets
}
