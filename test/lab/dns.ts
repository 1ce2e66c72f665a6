/** A name server with the records of a test and nobody behind it (dnsmasq): what it was not told of does not exist. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { Resolver } from 'node:dns/promises'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './ports.ts'
import { start, temporaryFolder } from './process.ts'

export interface Records {
  /** A and AAAA by name. */
  readonly hosts?: Readonly<Record<string, readonly string[]>>
  readonly srv?: ReadonlyArray<{ name: string; target: string; port: number; priority?: number; weight?: number }>
  readonly naptr?: ReadonlyArray<{
    name: string
    order: number
    preference: number
    service: string
    replacement: string
  }>
}

export interface Dns extends AsyncDisposable {
  /** For `nameServers`. */
  readonly address: string
  /** What it was asked, `SRV _sip._udp.lab.test`, in order. */
  asked(): string[]
  stop(): Promise<void>
}

export async function dns(records: Records): Promise<Dns> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(temporaryFolder('dns')).path
  const port = await freePort()
  const file = join(folder, 'dnsmasq.conf')
  writeFileSync(file, configuration(port, records))
  const child = stack.use(
    await start({
      command: 'dnsmasq',
      arguments: [`--conf-file=${file}`],
      folder,
      ready: () => answers(port),
    }),
  )
  const owned = stack.move()
  return {
    address: `127.0.0.1:${port}`,
    asked: () => [...child.log().matchAll(/query\[(\w+)\] (\S+) from/g)].map(([, type, name]) => `${type} ${name}`),
    stop: async () => void (await child.stop()),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function configuration(port: number, { hosts = {}, srv = [], naptr = [] }: Records): string {
  return [
    `port=${port}`,
    ...['listen-address=127.0.0.1', 'bind-interfaces', 'keep-in-foreground', 'user=root', 'pid-file='],
    // Nobody else is asked, and nothing of this machine is told.
    ...['no-resolv', 'no-hosts', 'no-poll', 'local=/#/', 'local-ttl=1'],
    ...['log-queries', 'log-facility=-', 'log-async=0'],
    ...Object.entries(hosts).flatMap(([name, addresses]) => addresses.map((each) => `host-record=${name},${each}`)),
    ...srv.map(
      ({ name, target, port: at, priority = 0, weight = 0 }) =>
        `srv-host=${name},${target},${at},${priority},${weight}`,
    ),
    ...naptr.map(
      ({ name, order, preference, service, replacement }) =>
        `naptr-record=${name},${order},${preference},S,${service},,${replacement}`,
    ),
    '',
  ].join('\n')
}

/** True when it answers anything at all; that a name does not exist is an answer. */
async function answers(port: number): Promise<boolean> {
  const resolver = new Resolver({ timeout: 500, tries: 1 })
  resolver.setServers([`127.0.0.1:${port}`])
  try {
    await resolver.resolve4('ready.invalid')
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && (error.code === 'ENOTFOUND' || error.code === 'ENODATA')
  }
}

/** A name server that takes every question and answers none. */
export async function silentDns(): Promise<AsyncDisposable & { readonly address: string }> {
  const socket = createSocket('udp4')
  const listening = once(socket, 'listening')
  socket.bind(0, '127.0.0.1')
  await listening
  return {
    address: `127.0.0.1:${socket.address().port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(socket, 'close')
      socket.close()
      await closed
    },
  }
}
