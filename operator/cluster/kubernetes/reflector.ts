/** Keeps a sink in step with one resource of the API server: lists it, follows its watch, and lists again when that broke or grew old. */
import { z } from 'zod'
import type { BackoffLimits } from '../../../lib/backoff.ts'
import { backoff } from '../../../lib/backoff.ts'
import type { Clock } from '../../../lib/clock.ts'
import { sleep } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { Random } from '../../../lib/random.ts'
import type { KubeClient } from './client.ts'
import { codeOf, explain } from './client.ts'

/** The part of an object that tells which one it is; the rest is left as it came. */
const WatchedObject = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().default(''),
    uid: z.string(),
    generation: z.int().default(0),
    resourceVersion: z.string(),
  }),
})
export type WatchedObject = z.output<typeof WatchedObject>

const Page = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(WatchedObject),
})

/** `namespace/name` */
export const nameOf = ({ metadata: { namespace, name } }: WatchedObject): string => `${namespace}/${name}`

/** Takes what is there. It must not throw, and must not take long. */
export interface Sink {
  /** New, changed, or as it was. */
  put(object: WatchedObject): void
  remove(name: string): void
  /** What is not among these names is gone. */
  retain(names: ReadonlySet<string>): void
}

export interface ReflectorOptions {
  /** For logs: `SipProbe`. */
  kind: string
  /** Of the list, such as `/apis/ringcheck.dev/v1alpha1/sipprobes`. */
  path: string
  /** One page of it, as the API server answers. */
  list: (page: { limit: number; _continue?: string }) => Promise<unknown>
  watch: KubeClient['watch']
  sink: Sink
  /** A watch broke or was refused: told for metrics. */
  onRestart: () => void
  clock: Clock
  random: Random
  log: Log
}

const PAGE = 500
const RETRY: BackoffLimits = { first: 500, longest: 15_000 }
/**
 * Seconds after which the API server ends a watch, with a bookmark of where it was: that costs nothing. The library takes 30 s of
 * silence for a dead connection.
 */
const WATCH_SECONDS = 25
/** A watch that ended so soon was not ended because its time was over. Milliseconds. */
const TOO_SOON = 1_000
/** A broken watch goes on where it was; after so many failures in a row the list says where that is. */
const MOST_FAILURES = 3
/** Milliseconds, and up to a tenth more: what a watch missed is repaired by then. */
const RESYNC = 600_000

type Ended =
  /** It may go on from `version`. */
  | { kind: 'Closed'; version: string }
  | { kind: 'Failed'; version: string; error: unknown }
  /** The API server no longer knows what came after `version` (410): only a list tells. */
  | { kind: 'Expired' }

export class Reflector implements AsyncDisposable {
  readonly #options: ReflectorOptions
  readonly #stopping = new AbortController()
  readonly #listed = Promise.withResolvers<void>()
  readonly #life: Promise<void>

  constructor(options: ReflectorOptions) {
    this.#options = options
    this.#life = this.#live()
  }

  /** Resolves when all that was there has been put; never, when it is disposed before. */
  get listed(): Promise<void> {
    return this.#listed.promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.#life
  }

  async #live(): Promise<void> {
    const { clock, random, log, kind } = this.#options
    const { signal } = this.#stopping
    for (let failures = 0; !signal.aborted;) {
      try {
        const version = await this.#list()
        if (failures > 0) log.info({ kind }, 'the list could be read again')
        failures = 0
        this.#listed.resolve()
        await this.#follow(version)
      } catch (error) {
        failures++
        log.warn({ kind, failures }, `the list cannot be read: ${listFailure(error, kind)}`)
        await sleep(clock, backoff(failures, RETRY, random), signal)
      }
    }
  }

  /** Resolves to the version of the whole list. */
  async #list(): Promise<string> {
    const { list, sink } = this.#options
    const names = new Set<string>()
    for (let next: string | undefined; ;) {
      const { metadata, items } = Page.parse(
        await list({ limit: PAGE, ...(next !== undefined && { _continue: next }) }),
      )
      // A page a turn: ten thousand objects must not keep the calls from running.
      for (const item of items) {
        names.add(nameOf(item))
        sink.put(item)
      }
      if (this.#stopping.signal.aborted || !metadata.continue) {
        if (!this.#stopping.signal.aborted) sink.retain(names)
        return metadata.resourceVersion
      }
      next = metadata.continue
    }
  }

  /** Watches from `version` on, until a list is due. */
  async #follow(first: string): Promise<void> {
    const { clock, random, log, kind, onRestart } = this.#options
    const { signal } = this.#stopping
    const until = clock.monotonic() + RESYNC * (1 + random() / 10)
    let version = first
    for (let failures = 0; !signal.aborted && clock.monotonic() < until;) {
      const began = clock.monotonic()
      const ended = await this.#watch(version)
      if (ended.kind === 'Expired') {
        onRestart()
        log.info({ kind }, 'the watch is too old for the API server, all is listed again')
        return
      }
      version = ended.version
      if (ended.kind === 'Closed' && clock.monotonic() - began > TOO_SOON) failures = 0
      else if (!signal.aborted) {
        failures++
        onRestart()
        log.warn({ kind, failures }, `the watch ended: ${ended.kind === 'Failed' ? explain(ended.error) : 'at once'}`)
        if (failures === MOST_FAILURES) return
        await sleep(clock, backoff(failures, RETRY, random), signal)
      }
    }
  }

  async #watch(first: string): Promise<Ended> {
    const { watch, path } = this.#options
    const { signal } = this.#stopping
    const { promise, resolve } = Promise.withResolvers<Ended>()
    let version = first
    const onEvent = (type: string, object: unknown) => {
      // The library swallows what is thrown here.
      try {
        version = this.#take(type, object) ?? version
      } catch (error) {
        resolve(codeOf(error) === 410 ? { kind: 'Expired' } : { kind: 'Failed', version, error })
      }
    }
    const onEnd = (error: unknown) => {
      if (codeOf(error) === 410) resolve({ kind: 'Expired' })
      else resolve(error ? { kind: 'Failed', version, error } : { kind: 'Closed', version })
    }
    const onStop = () => resolve({ kind: 'Closed', version })
    const question = { resourceVersion: first, allowWatchBookmarks: true, timeoutSeconds: WATCH_SECONDS }
    const opened = watch.watch(path, question, onEvent, onEnd)
    signal.addEventListener('abort', onStop, { once: true })
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', onStop)
      // It may still be on its way.
      opened.then((request) => request.abort(), onEnd)
    }
  }

  /** Resolves to the version that the sink has now. Throws for what is no event of an object. */
  #take(type: string, object: unknown): string | undefined {
    if (type === 'ERROR') throw new WatchError(object)
    if (type === 'BOOKMARK') return Bookmark.parse(object).metadata.resourceVersion
    const { sink } = this.#options
    const watched = WatchedObject.parse(object)
    if (type === 'DELETED') sink.remove(nameOf(watched))
    else sink.put(watched)
    return watched.metadata.resourceVersion
  }
}

const Bookmark = z.object({ metadata: z.object({ resourceVersion: z.string() }) })

const Status = z.object({ code: z.number().optional(), message: z.string().optional() })

/** What the API server says inside a watch about the watch itself. */
class WatchError extends Error {
  override readonly name = 'WatchError'
  readonly statusCode: number | undefined

  constructor(object: unknown) {
    const { code, message } = Status.parse(object)
    super(message ?? 'no reason was given')
    this.statusCode = code
  }
}

function listFailure(error: unknown, kind: string): string {
  return codeOf(error) === 404 ? `the API server does not know ${kind}: is its CRD installed?` : explain(error)
}
