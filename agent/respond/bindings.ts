/** Where registered users are to be reached: the location service of RFC 3261 10.3, for one registrar. It reads no message and checks no password. */
import type { Clock } from '../../lib/clock.ts'
import { parseUri } from '../sip/index.ts'

export interface Binding {
  /** The Contact's URI, as it was registered. */
  readonly uri: string
  readonly callId: string
  readonly cseq: number
  /** Clock.monotonic, milliseconds. */
  readonly expiresAt: number
}

/** What one REGISTER asks for. */
export interface Update {
  readonly callId: string
  readonly cseq: number
  /** `expires` in seconds, 0 removes; `All` removes every binding (`Contact: *`); an empty list only asks. */
  readonly contacts: ReadonlyArray<{ readonly uri: string; readonly expires: number }> | 'All'
}

export type Updated =
  | { kind: 'Updated' }
  /** Not newer than what the same Call-ID registered before: nothing was changed (RFC 3261 10.3, step 7). */
  | { kind: 'OutOfOrder' }
  | { kind: 'TooMany' }

/** Contacts that one user may have. */
const MOST_CONTACTS = 10

export class Bindings {
  readonly #clock: Clock
  readonly #users = new Map<string, Binding[]>()
  readonly #watchers = new Map<string, Set<() => void>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The bindings of a user that are in force, the newest first. */
  of(user: string): readonly Binding[] {
    const now = this.#clock.monotonic()
    const live = (this.#users.get(user) ?? []).filter((binding) => binding.expiresAt > now)
    if (live.length > 0) this.#users.set(user, live)
    else this.#users.delete(user)
    return live
  }

  /** Carries out all of a REGISTER or nothing of it. */
  update(user: string, { callId, cseq, contacts }: Update): Updated {
    const bindings = this.of(user)
    const wanted = contacts === 'All' ? bindings.map(({ uri }) => ({ uri, expires: 0 })) : contacts
    const touched = new Set(wanted.map(({ uri }) => identity(uri)))
    const old = bindings.filter(({ uri }) => touched.has(identity(uri)))
    if (old.some((binding) => binding.callId === callId && binding.cseq >= cseq)) return { kind: 'OutOfOrder' }

    const now = this.#clock.monotonic()
    const added = wanted
      .filter(({ expires }) => expires > 0)
      .map(({ uri, expires }) => ({ uri, callId, cseq, expiresAt: now + expires * 1000 }))
    const kept = bindings.filter(({ uri }) => !touched.has(identity(uri)))
    if (added.length + kept.length > MOST_CONTACTS) return { kind: 'TooMany' }

    this.#users.set(user, [...added, ...kept])
    if (added.length > 0) for (const watcher of [...(this.#watchers.get(user) ?? [])]) watcher()
    return { kind: 'Updated' }
  }

  /** The newest binding of a user as soon as there is one; nothing when `signal` aborts before. */
  async first(user: string, signal: AbortSignal): Promise<Binding | undefined> {
    for (;;) {
      const [newest] = this.of(user)
      if (newest || signal.aborted) return newest
      await this.#change(user, signal)
    }
  }

  #change(user: string, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const watchers = this.#watchers.get(user) ?? new Set()
    this.#watchers.set(user, watchers)
    watchers.add(resolve)
    signal.addEventListener('abort', () => resolve(), { once: true })
    return promise.finally(() => watchers.delete(resolve))
  }
}

/** What makes two contacts the same one: who is reached where and how. Other parameters do not count, unlike in RFC 3261 19.1.4. */
function identity(text: string): string {
  const uri = parseUri(text)
  if (!uri) return text
  const transport = uri.parameters.get('transport') ?? 'udp'
  const where = [uri.host, uri.port ?? 5060, transport].join(' ').toLowerCase()
  return `${uri.scheme} ${uri.user ?? ''} ${where}`
}
