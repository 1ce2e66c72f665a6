/** A real Kamailio as registrar and proxy with digest; its configuration is in kamailio-config.ts. */
import { writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
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
  /** UDP and TCP. */
  readonly port: number
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
  const domain = 'lab.test'
  const routes = new Map(Object.entries(options.routes ?? {}))

  const launch = (): Promise<Child> => {
    const file = join(folder, 'kamailio.cfg')
    const { frTimer = 5, algorithm = 'MD5', password } = options
    writeFileSync(file, kamailioConfig({ port, domain, frTimer, algorithm, password, routes }))
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
