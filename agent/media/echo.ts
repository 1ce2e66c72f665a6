/** Sends back what is received, packet by packet and at once; it measures nothing and paces nothing. */
import type { Clock } from '../../lib/clock.ts'
import type { EchoedPacket, Source } from './media.ts'
import { sequenceNumber, ssrc, timestamp } from './rtp.ts'
import type { Sender } from './sender.ts'

type EchoSource = Extract<Source, { kind: 'Echo' }>

/**
 * A packet goes back with its sequence number, timestamp, marker and payload, so that its stream is the caller's own with whatever was
 * lost on the way; the SSRC is ours, so that our RTCP speaks of the stream that we send.
 */
export class Echo {
  readonly #source: EchoSource
  readonly #sender: Sender
  readonly #clock: Clock
  /** The last dropped packet: it is sent after all when no other one follows. */
  #dropped: { message: Buffer; packet: EchoedPacket } | undefined

  constructor(source: EchoSource, sender: Sender, clock: Clock) {
    this.#source = source
    this.#sender = sender
    this.#clock = clock
  }

  /** @param at monotonic milliseconds of arrival @param message the packet; it becomes the echo's, nobody else may use it afterwards */
  receive(at: number, message: Buffer): void {
    this.#dropped = undefined
    const { forward, sent } = this.#source
    if (!forward && !sent) {
      this.#sender.echo(message, this.#clock.monotonic())
      return
    }
    const packet = {
      ssrc: ssrc(message),
      sequenceNumber: sequenceNumber(message),
      timestamp: timestamp(message),
      receivedAt: at,
    }
    if (forward && !forward(packet)) this.#dropped = { message, packet }
    else this.#send(message, packet)
  }

  /** The session ends: a dropped packet that turned out to be the last one is sent. */
  flush(): void {
    if (this.#dropped) this.#send(this.#dropped.message, this.#dropped.packet)
    this.#dropped = undefined
  }

  #send(message: Buffer, packet: EchoedPacket): void {
    const at = this.#clock.monotonic()
    if (this.#sender.echo(message, at)) this.#source.sent?.(packet, at)
  }
}
