/** Reads of a packet all that media could want of it, whatever kind it is, with the state that a session has. It judges nothing. */
import { ReceiveStatistics } from '../../quality/index.ts'
import { CODECS } from '../codec/codecs.ts'
import { DigitReceiver } from '../codec/digit-receiver.ts'
import { PeerReports } from '../rtcp-view.ts'
import { parseCompound } from '../rtcp.ts'
import { headerLength, isRtcp, isRtp, payloadType, sequenceNumber, ssrc, timestamp } from '../rtp.ts'

const CLOCK_RATE = 8000
/** Milliseconds between two packets. */
const PTIME = 20

/** A reader that has read nothing yet: each packet comes 20 ms after the one before. */
export function createReader(): Disposable & { readonly read: (packet: Buffer) => void } {
  using stack = new DisposableStack()
  const decoders = Object.values(CODECS).map((codec) => stack.use(codec.decoder()))
  const digits = new DigitReceiver(CLOCK_RATE)
  const statistics = new ReceiveStatistics({ clockRate: CLOCK_RATE, jitterBuffer: { mode: 'Adaptive', delay: 60 } })
  const reports = new PeerReports(1)
  let at = 0

  function readRtp(packet: Buffer): void {
    const fields = { ssrc: ssrc(packet), sequenceNumber: sequenceNumber(packet), timestamp: timestamp(packet) }
    statistics.receive(at, { ...fields, timed: payloadType(packet) !== 101 })
    statistics.interval()
    statistics.reception()
    const payload = packet.subarray(headerLength(packet))
    digits.receive(at, fields.timestamp, payload)
    for (const decoder of decoders) decoder.decode(payload)
  }

  const owned = stack.move()
  return {
    read(packet) {
      at += PTIME
      isRtcp(packet)
      const compound = parseCompound(packet)
      if (compound) reports.read({ at, compact: at }, compound)
      if (isRtp(packet)) readRtp(packet)
    },
    [Symbol.dispose]: () => owned.dispose(),
  }
}
