/** Finds loopback ports that nobody uses; it does not reserve them, so they are taken at once. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

/**
 * Below the kernel's ephemeral range (32768 and up), so that no client socket takes one in between. Test files that run side by side each
 * have a part of their own: peers take some of their ports only during a call.
 */
const PARTS = 4
const WIDTH = 3_000
const LOWEST = 20_000 + WIDTH * (Number(process.env['VITEST_POOL_ID'] ?? 0) % PARTS)
const HIGHEST = LOWEST + WIDTH

/** What this process has handed out already: two peers started one after the other must not get the same. */
const taken = new Set<number>()

/** A port that is free for UDP and for TCP on 127.0.0.1. */
export function freePort(): Promise<number> {
  return search(async (port) => (await freeForUdp(port)) && (await freeForTcp(port)), 1)
}

/** The first of `count` consecutive free UDP ports, even as RTP wants it (RFC 3550 section 11): RTP there, RTCP one above. */
export function freeRtpPorts(count = 2): Promise<number> {
  return search(async (port) => {
    for (let offset = 0; offset < count; offset++) if (!(await freeForUdp(port + offset))) return false
    return true
  }, count)
}

async function search(isFree: (port: number) => Promise<boolean>, count: number): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = LOWEST + 2 * Math.floor((Math.random() * (HIGHEST - LOWEST - count)) / 2)
    const wanted = Array.from({ length: count }, (_, offset) => port + offset)
    if (wanted.some((each) => taken.has(each)) || !(await isFree(port))) continue
    for (const each of wanted) taken.add(each)
    return port
  }
  throw new Error(`no free port between ${LOWEST} and ${HIGHEST}`)
}

async function freeForUdp(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  try {
    const bound = once(socket, 'listening')
    socket.bind(port, '127.0.0.1')
    await bound
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}

async function freeForTcp(port: number): Promise<boolean> {
  const server = createServer()
  try {
    const listening = once(server, 'listening')
    server.listen(port, '127.0.0.1')
    await listening
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}

/** True when some process has bound the port on 127.0.0.1 or on every address (over TCP: listens on it); what arrives from then on is not lost. */
export function isBound(port: number, transport: 'udp' | 'tcp'): boolean {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readFileSync(`/proc/net/${transport}`, 'utf8')
    .split('\n')
    .some((line) => {
      const [, address, , state] = line.trim().split(/\s+/)
      return (
        (address === LOOPBACK + suffix || address === EVERY + suffix) && (transport === 'udp' || state === TCP_LISTEN)
      )
    })
}

/** As /proc/net writes addresses. */
const LOOPBACK = '0100007F'
const EVERY = '00000000'
const TCP_LISTEN = '0A'
