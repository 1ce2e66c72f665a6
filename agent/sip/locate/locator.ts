/** From a hop to the addresses that are to be tried, in their order (RFC 3263 4); it sends nothing to any of them. */
import { isIPv6 } from 'node:net'
import type { Clock } from '../../../lib/clock.ts'
import type { Random } from '../../../lib/random.ts'
import { isWildcard } from '../transport/addresses.ts'
import type { Endpoint } from '../engine.ts'
import type { Answer, Family, Names } from './names.ts'
import { orderServers, servicesOf } from './order.ts'
import { type AddressQuestion, isSecure, type Question, questionOf, type Service, type Wanted } from './question.ts'
import { remembering } from './remembered.ts'
import type { Target } from '../transport/hop.ts'

/** Addresses for one request. More would have a few hundred milliseconds each. */
const MOST_TARGETS = 8

/** Addresses that said when they want to be asked again. */
const MOST_UNAVAILABLE = 1_000

export type LocateOutcome =
  /** `missing`: servers that a record names and that have no address. */
  | { kind: 'Located'; targets: readonly Target[]; missing: ReadonlyArray<{ remote: Endpoint; detail: string }> }
  | { kind: 'DnsFailed'; detail: string }

export interface LocatorOptions {
  names: Names
  clock: Clock
  random: Random
  /** The bind address: what it cannot send to is not asked for. */
  bound: string
}

/** What one look-up has asked in vain, for whoever must say why it failed. */
class Asked {
  readonly #absent = new Set<string>()
  /** What failed, by its question. */
  readonly #failures = new Map<string, string>()
  readonly #tell: (question: string) => void

  constructor(tell: (question: string) => void) {
    this.#tell = tell
  }

  async ask<Found>(type: string, name: string, answer: Promise<Answer<Found>>): Promise<readonly Found[]> {
    const question = `${type} of ${name}`
    this.#tell(question)
    const settled = await answer
    if (settled.kind === 'Found') return settled.records
    if (settled.kind === 'Failed') this.#failures.set(question, `${question}: ${settled.detail}`)
    else this.#absent.add(type)
    return []
  }

  /** That nobody knows says more than that something is not there. */
  detail(name: string): string {
    return this.#failures.size > 0 ? [...this.#failures.values()].join('; ') : absent([...this.#absent], name)
  }

  missing(type: string, name: string): string {
    return this.#failures.get(`${type} of ${name}`) ?? absent([type], name)
  }
}

function absent(types: readonly string[], name: string): string {
  const [last = '', ...rest] = types.toReversed()
  return `there is no ${rest.length > 0 ? `${rest.toReversed().join(', ')} or ` : ''}${last} record of ${name}`
}

export class Locator {
  readonly #names: Names
  readonly #clock: Clock
  readonly #random: Random
  readonly #families: readonly Family[]
  /** By address: until when (Clock.monotonic) it wants to be left alone. */
  readonly #unavailable = new Map<string, number>()

  constructor({ names, clock, random, bound }: LocatorOptions) {
    this.#names = remembering(names, clock)
    this.#clock = clock
    this.#random = random
    this.#families = isIPv6(bound) ? (isWildcard(bound) ? [6, 4] : [6]) : [4]
  }

  /** Takes as long as the DNS does. @param asking told of each question, for whoever does not wait for its answer */
  async locate(wanted: Wanted, asking: (question: string) => void = () => {}): Promise<LocateOutcome> {
    const question = questionOf(wanted)
    const target = (endpoint: Endpoint): Target => ({
      ...endpoint,
      name: wanted.host,
      ...(wanted.path !== undefined && { path: wanted.path }),
      ...(wanted.tls && { tls: wanted.tls }),
    })
    if (question.kind === 'Nothing') return { kind: 'Located', targets: [target(question.endpoint)], missing: [] }
    const families = this.#families.filter((each) => wanted.family === undefined || each === wanted.family)
    if (families.length === 0) {
      return { kind: 'DnsFailed', detail: `no IPv${wanted.family} address can be reached from where we are bound` }
    }
    const asked = new Asked(asking)
    const { servers, otherwise } = await this.#servers(question, asked)
    const named = servers ?? [otherwise]
    if (named.length === 0) return { kind: 'DnsFailed', detail: `${wanted.host} says by SRV that it offers no SIP` }
    const answers = await Promise.all(named.map((each) => this.#addresses(each, families, asked)))
    const endpoints = answers.flatMap(({ found }) => found)
    const missing = answers.flatMap((answer) => answer.missing)
    if (endpoints.length > 0) {
      const targets = this.#available(preferred(endpoints, wanted)).map(target)
      return { kind: 'Located', targets, missing }
    }
    const [first] = missing
    return { kind: 'DnsFailed', detail: servers && first ? first.detail : asked.detail(wanted.host) }
  }

  /** RFC 3261 21.5.4: what answered 503 is left alone for as long as it says, where there is another. */
  unavailable(endpoint: Endpoint, seconds: number): void {
    const now = this.#clock.monotonic()
    for (const [key, until] of this.#unavailable) if (until <= now) this.#unavailable.delete(key)
    if (this.#unavailable.size < MOST_UNAVAILABLE) this.#unavailable.set(keyOf(endpoint), now + seconds * 1_000)
  }

  #available(endpoints: readonly Endpoint[]): Endpoint[] {
    const now = this.#clock.monotonic()
    const seen = new Set<string>()
    const distinct = endpoints.filter((each) => !seen.has(keyOf(each)) && seen.add(keyOf(each)))
    const available = distinct.filter((each) => (this.#unavailable.get(keyOf(each)) ?? -Infinity) <= now)
    return (available.length > 0 ? available : distinct).slice(0, MOST_TARGETS)
  }

  /** The servers that SRV records name, in order; undefined: there are no such records. */
  async #servers(question: Exclude<Question, { kind: 'Nothing' }>, asked: Asked): Promise<Named> {
    switch (question.kind) {
      case 'Addresses':
        return { servers: undefined, otherwise: question }
      case 'Services': {
        const { services, otherwise } = question
        return { servers: await this.#offered(services, asked), otherwise }
      }
      case 'Pointers': {
        const { name, secure, otherwise } = question
        const pointers = await asked.ask('NAPTR', name, this.#names.pointers(name))
        const servers = await this.#offered(servicesOf(pointers, secure).slice(0, MOST_TARGETS), asked)
        return servers ? { servers, otherwise: otherwise.otherwise } : this.#servers(otherwise, asked)
      }
    }
  }

  /** RFC 2782: when nobody can say whether there is an SRV record, it is as if there were none. */
  async #offered(services: readonly Service[], asked: Asked): Promise<AddressQuestion[] | undefined> {
    const answers = await Promise.all(
      services.map(async ({ name, transport }) => {
        const records = orderServers(await asked.ask('SRV', name, this.#names.servers(name)), this.#random)
        return records.map(({ name: host, port }): AddressQuestion => ({
          kind: 'Addresses',
          name: host,
          port,
          transport,
        }))
      }),
    )
    const records = answers.flat()
    if (records.length === 0) return undefined
    // RFC 2782: a target of "." says that the service is decidedly not available.
    return records.filter(({ name }) => name !== '' && name !== '.').slice(0, MOST_TARGETS)
  }

  async #addresses(question: AddressQuestion, families: readonly Family[], asked: Asked) {
    const { name, port, transport } = question
    const type = families.length > 1 ? 'A or AAAA' : families[0] === 4 ? 'A' : 'AAAA'
    const hosts = await asked.ask(type, name, this.#names.addresses(name, families))
    return {
      found: hosts.map((host): Endpoint => ({ host, port, transport })),
      missing: hosts.length > 0 ? [] : [{ remote: { host: name, port, transport }, detail: asked.missing(type, name) }],
    }
  }
}

interface Named {
  servers: AddressQuestion[] | undefined
  otherwise: AddressQuestion
}

/** Who did not say which transport is content with the one that is in use. */
function preferred(endpoints: readonly Endpoint[], { prefer, transport, secure }: Wanted): readonly Endpoint[] {
  if (!prefer || (secure && !isSecure(prefer.transport))) return endpoints
  const one = endpoints.some(
    (each) =>
      each.host === prefer.host &&
      each.port === prefer.port &&
      (transport === undefined || each.transport === prefer.transport),
  )
  return one ? [prefer, ...endpoints] : endpoints
}

function keyOf({ host, port, transport }: Endpoint): string {
  return `${transport} ${host} ${port}`
}
