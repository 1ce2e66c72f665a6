/** How long a datagram of this process to itself is under way: what a busy machine adds to everything that passes its sockets. */
import { boundSocket } from './impairment.ts'
import { systemClock } from '../../lib/clock.ts'

export interface PassageMeter extends AsyncDisposable {
  /** 95th percentile of all so far, milliseconds; NaN: none came yet. */
  p95(): number
}

/** Milliseconds: as often as a call sends. */
const INTERVAL = 20

export async function passageMeter(): Promise<PassageMeter> {
  const host = '127.0.0.1'
  await using stack = new AsyncDisposableStack()
  const { socket, port } = stack.use(await boundSocket(host))
  const passages: number[] = []
  let sentAt = 0
  let timer: Disposable
  const send = () => {
    sentAt = systemClock.monotonic()
    socket.send('probe', port, host)
    timer = systemClock.timer(INTERVAL, send)
  }
  socket.on('message', () => passages.push(systemClock.monotonic() - sentAt))
  send()
  stack.defer(() => timer[Symbol.dispose]())
  const owned = stack.move()
  return {
    p95: () => passages.toSorted((one, other) => one - other)[Math.floor(0.95 * passages.length)] ?? NaN,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
