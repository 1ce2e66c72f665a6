/** The way of RTP and RTCP packets to the peer and back, whatever they travel over; it is an interface alone. */

/** Packets are as they are on the wire: who has keys protects them before and after. */
export interface PacketPath extends AsyncDisposable {
  /** Nothing happens when the peer is not known yet, or may not be sent to any more. */
  send(kind: 'RTP' | 'RTCP', packet: Buffer): void
  /**
   * Told of every packet from now on; what came before is gone. A second listener takes the place of the first.
   * @param at Clock.monotonic in the callback of the socket, milliseconds
   */
  listen(listener: PacketListener): void
}

export type PacketListener = (kind: 'RTP' | 'RTCP', packet: Buffer, at: number, from: PacketSource) => void

/** Where a packet came from; behind a relay, the peer on its other side. */
export interface PacketSource {
  readonly address: string
  readonly port: number
}
