/** Names of the transports as they are on a command line; a transport is measured when it is in this list. */
import type { Transport } from '../../agent/sip/index.ts'

export const TRANSPORTS = ['UDP', 'TCP', 'TLS'] as const satisfies readonly Transport[]

export type BenchTransport = (typeof TRANSPORTS)[number]

export function transportOf(name: string): BenchTransport {
  const found = TRANSPORTS.find((each) => each === name)
  if (!found) throw new Error(`no transport ${name}`)
  return found
}
