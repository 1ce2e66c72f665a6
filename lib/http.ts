/** Where a server listens: reads `HOST:PORT`, binds, says in words why it cannot, and ends. It serves nothing itself. */
import { once } from 'node:events'
import type { Server as HttpServer } from 'node:http'
import type { Server } from 'node:net'
import { BlockList, isIP } from 'node:net'

export interface Address {
  /** A name or an IP address; IPv6 without brackets. */
  host: string
  /** 0 to 65535; 0 lets the system choose. */
  port: number
}

export type ParsedAddress = { kind: 'Address'; address: Address } | { kind: 'NotAnAddress'; message: string }

const HOST_NAME = /^(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*\.?$/i

/** Reads `127.0.0.1:8080`, `localhost:8080`, `[::1]:8080`. The port is required. */
export function parseAddress(text: string): ParsedAddress {
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host === undefined)
    return notAnAddress(text, 'must be HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080 for an IPv6 address')
  if (bracketed === undefined ? !isHost(host) : isIP(host) !== 6)
    return notAnAddress(text, `${JSON.stringify(host)} is neither a host name nor an IP address`)
  if (port > 65535) return notAnAddress(text, `the port ${digits} is above 65535`)
  return { kind: 'Address', address: { host, port } }
}

/** Only digits and dots is meant as an IPv4 address and must be one. */
const isHost = (text: string): boolean => isIP(text) === 4 || (HOST_NAME.test(text) && !/^[\d.]+$/.test(text))

function notAnAddress(text: string, message: string): ParsedAddress {
  return { kind: 'NotAnAddress', message: `${JSON.stringify(text)}: ${message}` }
}

/** As in a URL: `127.0.0.1:8080`, `[::1]:8080`. */
export function formatAddress({ host, port }: Address): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether only this machine can reach a server bound to `host`: `localhost`, 127.0.0.0/8, `::1`. */
export function isLoopback(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return /^localhost\.?$/i.test(host)
  return loopback.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

export interface ListenOptions extends Address {
  /** The command-line flag that chose the address, such as `--api`; the error names it. */
  flag: string
}

/** The address cannot be listened on; the message says which, why, and the flag that chooses another. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

/**
 * Binds `server` (a Fastify instance's `server` after `ready()` too) and resolves to where it listens, the real port
 * included. Errors: ListenError; the server may then be given another address.
 */
export async function listen(server: Server, { flag, host, port }: ListenOptions): Promise<Address> {
  try {
    server.listen({ host, port, exclusive: true })
    await once(server, 'listening')
  } catch (cause) {
    throw new ListenError(reason(cause, { flag, host, port }), { cause })
  }
  const bound = server.address()
  return { host, port: typeof bound === 'object' && bound ? bound.port : port }
}

/** Ends a server that `listen` has bound and all its connections, also one whose client never ends its request. */
export async function close(server: HttpServer): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

function reason(cause: unknown, { flag, host, port }: ListenOptions): string {
  const address = formatAddress({ host, port })
  const other = `choose another with ${flag} HOST:PORT`
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  switch (code) {
    case 'EADDRINUSE':
      return `${address} is in use by another process: ${other}`
    case 'EACCES':
      return `${address} is not allowed for this user: ${other}`
    case 'EADDRNOTAVAIL':
      return `${address}: this machine has no address ${host}: ${other}`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${address}: the name ${host} has no address: ${other}`
    default:
      return `${address} cannot be listened on (${String(code ?? cause)}): ${other}`
  }
}
