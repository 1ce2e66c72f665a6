/** Asks the DNS: NAPTR and SRV of a name server, addresses of the system, which knows /etc/hosts and search domains too. It chooses nothing. */
import { lookup, Resolver } from 'node:dns/promises'
import type { Pointer, Server } from './order.ts'

export type Family = 4 | 6

export type Answer<Found> =
  /** `ttl` in seconds, where it is known. */
  | { kind: 'Found'; records: readonly Found[]; ttl?: number }
  /** The name, or the type of record, is not there. */
  | { kind: 'NotFound' }
  /** Nobody knows: a server failed, refused or kept silent. */
  | { kind: 'Failed'; detail: string }

export interface Names {
  pointers(name: string): Promise<Answer<Pointer>>
  servers(name: string): Promise<Answer<Server>>
  addresses(name: string, families: readonly Family[]): Promise<Answer<string>>
}

/** Milliseconds until a question is asked again, once: then the server is silent after 3 s. Whoever asked may have given up before. */
const FIRST_TRY = 1_000

/** @param nameServers addresses, with or without a port, of whom alone is asked, for addresses too; absent: those of the system */
export function systemNames(nameServers: readonly string[] | undefined): Names & Disposable {
  const resolver = new Resolver({ timeout: FIRST_TRY, tries: 2 })
  if (nameServers) resolver.setServers(nameServers)

  const ofServer = async (name: string, family: Family): Promise<Answer<string>> => {
    const records = await (family === 4
      ? resolver.resolve4(name, { ttl: true })
      : resolver.resolve6(name, { ttl: true }))
    return {
      kind: 'Found',
      records: records.map(({ address }) => address),
      ttl: Math.min(...records.map(({ ttl }) => ttl)),
    }
  }

  return {
    pointers: (name) => settled(async () => ({ kind: 'Found', records: await resolver.resolveNaptr(name) })),
    servers: (name) => settled(async () => ({ kind: 'Found', records: await resolver.resolveSrv(name) })),
    async addresses(name, families) {
      if (nameServers) {
        return merged(await Promise.all(families.map((family) => settled(() => ofServer(name, family)))))
      }
      const [family] = families
      return settled(async () => {
        const found = await lookup(name, { all: true, family: families.length > 1 ? 0 : (family ?? 0) })
        return { kind: 'Found', records: found.map(({ address }) => address) }
      })
    },
    [Symbol.dispose]: () => resolver.cancel(),
  }
}

async function settled<Found>(ask: () => Promise<Answer<Found>>): Promise<Answer<Found>> {
  try {
    return await ask()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code === 'ENOTFOUND' || code === 'ENODATA') return { kind: 'NotFound' }
    return { kind: 'Failed', detail: DETAILS.get(code) ?? (error instanceof Error ? error.message : String(error)) }
  }
}

/** What c-ares and getaddrinfo call it, and what it is. */
const DETAILS: ReadonlyMap<string, string> = new Map([
  ['ESERVFAIL', 'SERVFAIL'],
  ['EREFUSED', 'REFUSED'],
  ['ENOTIMP', 'NOTIMP'],
  ['EFORMERR', 'FORMERR'],
  ['ETIMEOUT', 'the name server does not answer'],
  ['ECONNREFUSED', 'the name server cannot be reached'],
  ['EBADNAME', 'it is no name'],
  ['EAI_AGAIN', 'the name server does not answer'],
])

/** One family is enough; none is there only when neither is. */
function merged(answers: ReadonlyArray<Answer<string>>): Answer<string> {
  const found = answers.filter((each) => each.kind === 'Found')
  if (found.length > 0) {
    const ttl = Math.min(...found.map((each) => each.ttl ?? Infinity))
    return { kind: 'Found', records: found.flatMap(({ records }) => records), ttl }
  }
  return answers.find(({ kind }) => kind === 'Failed') ?? { kind: 'NotFound' }
}
