/** Reads of a packet all that media could want of it, whatever kind it is, with the state that a session has. It judges nothing. */
import type { Clock } from '../../../lib/clock.ts'
import { ReceiveStatistics } from '../../quality/index.ts'
import { CODECS } from '../codec/codecs.ts'
import { DigitReceiver } from '../codec/digit-receiver.ts'
import { kindOf } from '../demultiplex.ts'
import { endingAlert } from '../dtls/alert.ts'
import { StunEndpoint } from '../ice/stun-endpoint.ts'
import { PeerReports } from '../rtcp-view.ts'
import { parseCompound } from '../rtcp.ts'
import { headerLength, isRtp, payloadType, sequenceNumber, ssrc, timestamp } from '../rtp.ts'
import { parseFeedback, VideoReceiver } from '../video/index.ts'

const CLOCK_RATE = 8000
/** Milliseconds between two packets. */
const PTIME = 20
const HOST = '127.0.0.1'
/** Those of RFC 5769: the request in the corpus is made with them, and read to its end. */
const CREDENTIALS = { ufrag: 'evtj', pwd: 'VOkJxbRl1RmTxUk/WvJxBt' }

/** A reader that has read nothing yet: each packet comes 20 ms after the one before. */
export function createReader(clock: Clock): Disposable & { readonly read: (packet: Buffer) => void } {
  using stack = new DisposableStack()
  const decoders = Object.values(CODECS).map((codec) => stack.use(codec.decoder()))
  const digits = new DigitReceiver(CLOCK_RATE)
  const statistics = new ReceiveStatistics({ clockRate: CLOCK_RATE, jitterBuffer: { mode: 'Adaptive', delay: 60 } })
  const videos = (['VP8', 'H264'] as const).map(
    (codec) => new VideoReceiver({ codec, ssrc: 1, repair: { nack: true, keyFrames: 'FIR' }, send: () => {} }),
  )
  const reports = new PeerReports(1)
  const stun = new StunEndpoint({ clock, type: 'socket', credentials: CREDENTIALS, send: () => {} })
  let at = 0

  function readRtp(packet: Buffer): void {
    const fields = { ssrc: ssrc(packet), sequenceNumber: sequenceNumber(packet), timestamp: timestamp(packet) }
    statistics.receive(at, { ...fields, timed: payloadType(packet) !== 101 })
    statistics.interval()
    statistics.reception()
    const payload = packet.subarray(headerLength(packet))
    digits.receive(at, fields.timestamp, payload)
    for (const decoder of decoders) decoder.decode(payload)
    for (const video of videos) {
      video.receive(at, packet)
      video.step(at)
    }
  }

  const owned = stack.move()
  return {
    read(packet) {
      at += PTIME
      // Also where it looks like something else: RTCP has a port of its own, and no kind has to be what it begins as.
      const compound = parseCompound(packet)
      if (compound) reports.read({ at, compact: at }, compound)
      parseFeedback(packet)
      endingAlert(packet, undefined)
      if (isRtp(packet)) readRtp(packet)
      if (kindOf(packet) === 'STUN') stun.receive(packet, HOST, 4000)
    },
    [Symbol.dispose]: () => owned.dispose(),
  }
}
