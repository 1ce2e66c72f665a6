/** libsrtp as the far end of SRTP: it reads what we protect, and sends the same back protected by itself. It knows no SIP. */
import { join } from 'node:path'
import { freePort, isBound } from './ports.ts'
import { start, temporaryFolder } from './process.ts'

export interface Libsrtp extends AsyncDisposable {
  readonly port: number
  /** A line for each packet that it refused: `refused: authentication failure`, `refused: replay check failed ...`. */
  refused(): string[]
}

export interface LibsrtpKeys {
  /** As in RFC 4568. */
  readonly suite: string
  /** What it receives and what it sends with: master key and salt in base64. */
  readonly receive: string
  readonly send: string
}

export async function libsrtp({ suite, receive, send }: LibsrtpKeys): Promise<Libsrtp> {
  const folder = temporaryFolder('libsrtp')
  const port = await freePort()
  const child = await start({
    // The Python that Debian's packages are for, whatever else is on the PATH.
    command: 'env',
    arguments: ['/usr/bin/python3', join(import.meta.dirname, 'libsrtp-echo.py'), String(port), suite, receive, send],
    folder: folder.path,
    ready: () => isBound(port, 'udp'),
  })
  return {
    port,
    refused: () =>
      child
        .log()
        .split('\n')
        .filter((line) => line.startsWith('refused: ')),
    async [Symbol.asyncDispose]() {
      await child.stop()
      folder[Symbol.dispose]()
    },
  }
}
