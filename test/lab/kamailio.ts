/** A real Kamailio as registrar and proxy with digest; its configuration is in kamailio-config.ts. */
import { writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import type { Identity } from './certificates.ts'
import { kamailioConfig } from './kamailio-config.ts'
import { freePort } from './ports.ts'
import { type Child, start, temporaryFolder } from './process.ts'
import { answersOptions } from './sip.ts'

export interface KamailioOptions {
  /** Seconds until a target that does not answer at all is given up with 408 (tm's `fr_timer`). Default 5. */
  readonly frTimer?: number
  /** Default MD5. */
  readonly algorithm?: 'MD5' | 'SHA-256'
  /** The password of every account; without it the password of `alice` is `pw-alice`. */
  readonly password?: string
  /** Users with a fixed target, `host:port` over UDP. The key `svc` stands for every user that begins with it; others are looked up. */
  readonly routes?: Readonly<Record<string, string>>
  /** The user `everyone` is called at both targets at once (parallel forking): `host:port`, and with `;transport=tcp` over TCP. */
  readonly everyone?: readonly [string, string]
  /** Listens on ::1 as well. Default false. */
  readonly ipv6?: boolean
  /** Media of its calls goes through an rtpengine. Default: from one side to the other. */
  readonly media?: KamailioMedia
  /**
   * Callers and callees seem not to reach each other: of an offer it takes the host candidates away, and in an answer nobody is at them. What
   * is left is a relay of the caller. Default false.
   */
  readonly apart?: boolean
  /** Listens for TLS, and for WebSockets over it. Default: neither; WebSockets without TLS come to the TCP port. */
  readonly tls?: KamailioTls
}

export interface KamailioMedia {
  /** Of rtpengine's control protocol. */
  readonly port: number
  /** What it is to make of an offer, as `RTP/AVP ICE=remove`; the answer goes back the way that the offer came. */
  readonly flags: string
}

export interface KamailioTls {
  readonly identity: Identity
  /** What it shows to those that ask for a name (SNI). Default: the same to all. */
  readonly named?: { readonly name: string; readonly identity: Identity }
  /** PEM: who signs clients. With it a client must show a certificate. */
  readonly clientCa?: string
}

interface Registration {
  /** The user part: domains are not told apart. */
  readonly aor: string
  readonly contact: string
  /** Seconds left. */
  readonly expires: number
}

export interface Kamailio extends AsyncDisposable {
  readonly host: '127.0.0.1'
  /** UDP, TCP and WebSocket. */
  readonly port: number
  /** TLS and WebSocket over TLS; 0 without it. */
  readonly tlsPort: number
  /** Realm of the digest; requests for any domain are served. */
  readonly domain: string
  readonly pid: number
  password(user: string): string
  /** Sends a user, or `svc`, to another target from now on; undefined: to nowhere (404). Kept over a restart. */
  route(user: string, target: string | undefined): Promise<void>
  registrations(): Promise<Registration[]>
  /** Ends what runs and starts it on the same port. Registrations are in memory only: they are gone. */
  restart(): Promise<void>
  /** SIGTERM. */
  stop(): Promise<void>
  /** SIGKILL, as in a crash; sockets answer no more. */
  kill(): Promise<void>
  log(): string
}

export async function kamailio(options: KamailioOptions = {}): Promise<Kamailio> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(temporaryFolder('kamailio')).path
  const port = await freePort()
  const tls = options.tls && { port: await freePort(), settings: writeTls(folder, options.tls) }
  const domain = 'lab.test'
  const routes = new Map(Object.entries(options.routes ?? {}))

  const launch = (): Promise<Child> => {
    const file = join(folder, 'kamailio.cfg')
    const { frTimer = 5, algorithm = 'MD5', password, everyone, ipv6 = false, media, apart = false } = options
    const config = { port, domain, frTimer, algorithm, password, routes, everyone, ipv6, tls, media, apart }
    writeFileSync(file, kamailioConfig(config))
    return start({
      command: 'kamailio',
      arguments: ['-DD', '-E', '-m', '64', '-M', '8', '-Y', folder, '-f', file],
      folder,
      ready: () => answersOptions(port),
    })
  }

  let child = await launch()
  stack.defer(async () => void (await child.stop()))
  const owned = stack.move()

  return {
    host: '127.0.0.1',
    port,
    tlsPort: tls?.port ?? 0,
    domain,
    get pid() {
      return child.pid
    },
    password: (user) => options.password ?? `pw-${user}`,
    async route(user, target) {
      if (target === undefined) routes.delete(user)
      else routes.set(user, target)
      // The next start reads it from its configuration.
      if (!child.running) return
      const entry = ['routes', user]
      await (target === undefined ? call(port, 'htable.delete', entry) : call(port, 'htable.sets', [...entry, target]))
    },
    async registrations() {
      return registrationsOf(await call(port, 'ul.dump', []))
    },
    async restart() {
      await child.stop()
      child = await launch()
    },
    stop: async () => void (await child.stop()),
    kill: async () => void (await child.kill()),
    log: () => child.log(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The settings of its module `tls`, and the files they name. Returns their path. */
function writeTls(folder: string, { identity, named, clientCa }: KamailioTls): string {
  const profile = (label: string, { certificate, key }: Identity, lines: readonly string[]): string => {
    const [certificateFile, keyFile] = [join(folder, `${label}.crt`), join(folder, `${label}.key`)]
    writeFileSync(certificateFile, certificate)
    writeFileSync(keyFile, key)
    const client = clientCa === undefined ? 'no' : 'yes'
    const common = ['method = TLSv1.2+', `verify_certificate = ${client}`, `require_certificate = ${client}`]
    return [...lines, ...common, `certificate = ${certificateFile}`, `private_key = ${keyFile}`, ...trusted].join('\n')
  }
  const trustedFile = join(folder, 'clients.crt')
  if (clientCa !== undefined) writeFileSync(trustedFile, clientCa)
  const trusted = clientCa === undefined ? [] : [`ca_list = ${trustedFile}`]
  const profiles = [profile('server', identity, ['[server:default]'])]
  if (named) {
    // A name is of an address: `any` stands for all of them.
    profiles.push(profile('named', named.identity, ['[server:any]', `server_name = ${named.name}`]))
  }
  const path = join(folder, 'tls.cfg')
  writeFileSync(path, `${profiles.join('\n\n')}\n`)
  return path
}

const answer = z.union([
  z.object({ result: z.unknown() }),
  z.object({ error: z.object({ code: z.number(), message: z.string() }) }),
])

/** Kamailio's JSON-RPC over HTTP; a connection for each call, since a killed Kamailio leaves none that can be used again. */
async function call(port: number, method: string, parameters: readonly string[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: parameters })
  const response = await new Promise<string>((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path: '/RPC', method: 'POST', agent: false }, (incoming) => {
      text(incoming).then(resolve, reject)
    })
    request.once('error', reject)
    request.setHeader('content-type', 'application/json')
    request.end(body)
  })
  const parsed = answer.parse(JSON.parse(response))
  if ('error' in parsed) throw new Error(`kamailio: ${method}: ${parsed.error.message}`)
  return parsed.result
}

const contactRecord = z.object({
  Contact: z.object({ Address: z.string(), Expires: z.union([z.number(), z.string()]) }),
})
const dump = z.object({
  Domains: z.array(
    z.object({
      Domain: z.object({
        AoRs: z
          .array(z.object({ Info: z.object({ AoR: z.string(), Contacts: z.array(contactRecord).default([]) }) }))
          .default([]),
      }),
    }),
  ),
})

function registrationsOf(result: unknown): Registration[] {
  return dump.parse(result).Domains.flatMap(({ Domain }) =>
    Domain.AoRs.flatMap(({ Info }) =>
      Info.Contacts.flatMap(({ Contact }) =>
        // A word instead of a number ("expired", "deleted") is a contact that waits for the next clean-up.
        typeof Contact.Expires === 'number'
          ? [{ aor: Info.AoR, contact: Contact.Address, expires: Contact.Expires }]
          : [],
      ),
    ),
  )
}
