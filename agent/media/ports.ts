/** Pairs of UDP sockets for RTP and RTCP: an even port and the next odd one (RFC 3550 11). It reads and sends nothing. */
import { type Socket, createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIP, isIPv6 } from 'node:net'

export interface PortRange {
  /** Both inclusive; an odd first or an even last one is left unused. */
  first: number
  last: number
}

export interface PortPair extends AsyncDisposable {
  readonly rtp: Socket
  readonly rtcp: Socket
  readonly rtpPort: number
  readonly rtcpPort: number
}

/** Without a range the system names a port and its neighbour may be taken: so often another one is tried. */
const EPHEMERAL_ATTEMPTS = 50

/**
 * With a range, pairs are taken in turn, so that a port rests as long as it can before the next call gets it: packets of an old call
 * that still arrive do not meet a new one. A port that another process holds is passed over.
 */
export class PortPairs {
  readonly #range: PortRange | undefined
  readonly #total: number
  /** RTP ports in use or being bound. */
  readonly #taken = new Set<number>()
  #turn = 0

  constructor(range?: PortRange) {
    this.#range = range && { first: range.first + (range.first % 2), last: range.last }
    this.#total = this.#range ? Math.max(0, Math.floor((this.#range.last - this.#range.first + 1) / 2)) : 0
  }

  /** Ports in use, two a pair. */
  get used(): number {
    return 2 * this.#taken.size
  }

  /** Ports of the range that are not in use by us; undefined: there is no range. */
  get free(): number | undefined {
    return this.#range && 2 * (this.#total - this.#taken.size)
  }

  /** Undefined: no free pair. Rejects with the system's error when `address` is not one of this machine. */
  async bind(address: string): Promise<PortPair | undefined> {
    return this.#range ? this.#bindInRange(address, this.#range.first) : this.#bindAnywhere(address)
  }

  async #bindInRange(address: string, first: number): Promise<PortPair | undefined> {
    for (let attempt = 0; attempt < this.#total; attempt++) {
      const port = first + 2 * this.#turn
      this.#turn = (this.#turn + 1) % this.#total
      if (this.#taken.has(port)) continue
      this.#taken.add(port)
      let pair: PortPair | undefined
      try {
        pair = await this.#bindPair(address, port)
      } finally {
        if (!pair) this.#taken.delete(port)
      }
      if (pair) return pair
    }
    return undefined
  }

  async #bindAnywhere(address: string): Promise<PortPair | undefined> {
    for (let attempt = 0; attempt < EPHEMERAL_ATTEMPTS; attempt++) {
      const one = await bindSocket(address, 0)
      if (!one) continue
      const port = one.address().port
      // The port itself may be the even or the odd one of its pair.
      const other = await bindBeside(one, address, port ^ 1)
      if (!other) continue
      this.#taken.add(port & ~1)
      return port % 2 === 0 ? this.#pair(one, other) : this.#pair(other, one)
    }
    return undefined
  }

  async #bindPair(address: string, port: number): Promise<PortPair | undefined> {
    const rtp = await bindSocket(address, port)
    if (!rtp) return undefined
    const rtcp = await bindBeside(rtp, address, port + 1)
    return rtcp && this.#pair(rtp, rtcp)
  }

  #pair(rtp: Socket, rtcp: Socket): PortPair {
    const rtpPort = rtp.address().port
    let closing: Promise<void> | undefined
    const close = async () => {
      await Promise.all([closeSocket(rtp), closeSocket(rtcp)])
      this.#taken.delete(rtpPort)
    }
    return { rtp, rtcp, rtpPort, rtcpPort: rtpPort + 1, [Symbol.asyncDispose]: () => (closing ??= close()) }
  }
}

/** Undefined: the port is taken, or there is none left. */
async function bindSocket(address: string, port: number): Promise<Socket | undefined> {
  const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', lookup: literal })
  const listening = once(socket, 'listening')
  socket.bind({ address, port, exclusive: true })
  try {
    await listening
    return socket
  } catch (error) {
    await closeSocket(socket)
    if (isTaken(error)) return undefined
    throw error
  }
}

/** The other socket of a pair; without it the first one is closed. */
async function bindBeside(first: Socket, address: string, port: number): Promise<Socket | undefined> {
  let second: Socket | undefined
  try {
    second = await bindSocket(address, port)
    return second
  } finally {
    if (!second) await closeSocket(first)
  }
}

/** Node looks up the address of every packet, also of an IP address, which costs a turn of the event loop; names are not for here. */
function literal(
  address: string,
  _options: unknown,
  callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  const family = isIP(address)
  callback(family === 0 ? new Error(`not an IP address: ${address}`) : null, address, family)
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES')
}

function closeSocket(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()))
}
