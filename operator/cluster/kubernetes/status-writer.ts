/**
 * Writes statuses by server-side apply until the API server holds the last one given for each object; what it holds already costs no
 * request. Which status that is, others decide.
 */
import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { GROUP, VERSION, kinds } from '../../../crds/index.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { Random } from '../../../lib/random.ts'
import { WorkQueue } from '../../../lib/work-queue.ts'
import type { Key, Kind } from '../cluster.ts'
import type { KubeClient } from './client.ts'
import { codeOf, explain } from './client.ts'

/** An object as far as its status needs it. */
export interface StatusTarget extends Key {
  kind: Kind
  uid: string
}

export interface StatusWriterOptions {
  objects: KubeClient['objects']
  /** Whether this replica may write now. */
  mayWrite: () => boolean
  clock: Clock
  random: Random
  log: Log
}

interface Wanted {
  target: StatusTarget
  status: object
  /** The version of the object that our last write made; absent: none was made. */
  version?: bigint
  /** `Due`: it is not, or no longer, what the API server holds. */
  state: 'Due' | 'UnderWay' | 'Written'
}

const FIELD_MANAGER = 'ringcheck'

const Applied = z.object({ metadata: z.object({ resourceVersion: z.string() }) })

const textOf = ({ kind, namespace, name }: StatusTarget): string => `${kind} ${namespace}/${name}`

export class StatusWriter implements AsyncDisposable {
  readonly #options: StatusWriterOptions
  readonly #wanted = new Map<string, Wanted>()
  /** Objects whose status a term before us may not have written: what we know of them is what it should be. */
  readonly #uncertain = new Set<string>()
  readonly #queue: WorkQueue

  constructor(options: StatusWriterOptions) {
    this.#options = options
    this.#queue = new WorkQueue({
      clock: options.clock,
      random: options.random,
      handle: (text) => this.#write(text),
      onError: (object, error) => options.log.warn({ object }, `a status waits to be written: ${explain(error)}`),
    })
  }

  /** @param held what the API server is known to hold */
  want(target: StatusTarget, status: object, held: unknown): void {
    if (!this.#options.mayWrite()) return
    const text = textOf(target)
    const before = this.#of(target)
    const isUncertain = this.#uncertain.delete(text)
    if (!isUncertain && isDeepStrictEqual(before ? before.status : held, status)) return
    this.#wanted.set(text, {
      target,
      status,
      state: 'Due',
      ...(before?.version !== undefined && { version: before.version }),
    })
    this.#queue.add(text)
  }

  /**
   * The API server holds `held` at `version`: returns the status that counts. What we wrote last does while the news is older; a
   * newer one that is not ours was written by somebody else, and is written over.
   */
  seen(target: StatusTarget, version: bigint, held: unknown): unknown {
    const wanted = this.#of(target)
    this.#uncertain.delete(textOf(target))
    if (!wanted) return held
    const isNews = wanted.state !== 'Due' && wanted.version !== undefined && version > wanted.version
    if (isNews && !isDeepStrictEqual(held, wanted.status)) {
      wanted.state = 'Due'
      this.#queue.add(textOf(target))
    }
    return wanted.status
  }

  /** The object is gone. */
  forget(target: Omit<StatusTarget, 'uid'>): void {
    const text = textOf({ ...target, uid: '' })
    this.#wanted.delete(text)
    this.#uncertain.delete(text)
  }

  /** Another replica decides from now on. */
  forgetAll(): void {
    for (const [text, { state }] of this.#wanted) if (state !== 'Written') this.#uncertain.add(text)
    this.#wanted.clear()
  }

  /** What is on its way is waited for. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue[Symbol.asyncDispose]()
  }

  #of(target: StatusTarget): Wanted | undefined {
    const wanted = this.#wanted.get(textOf(target))
    return wanted?.target.uid === target.uid ? wanted : undefined
  }

  async #write(text: string): Promise<void> {
    const wanted = this.#wanted.get(text)
    const { objects, mayWrite, log } = this.#options
    if (wanted?.state !== 'Due' || !mayWrite()) return
    const { kind, namespace, name, uid } = wanted.target
    // One that is given meanwhile is due by itself.
    wanted.state = 'UnderWay'
    const body = {
      apiVersion: `${GROUP}/${VERSION}`,
      kind,
      // With its uid it does not land on another object of the same name.
      metadata: { name, namespace, uid },
      status: wanted.status,
    }
    const where = { group: GROUP, version: VERSION, plural: kinds[kind].plural, namespace, name }
    try {
      const answer: unknown = await objects.patchNamespacedCustomObjectStatus(
        { ...where, body, fieldManager: FIELD_MANAGER, force: true },
        setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply),
      )
      const version = BigInt(Applied.parse(answer).metadata.resourceVersion)
      if (wanted.state === 'UnderWay') wanted.state = 'Written'
      const now = this.#of(wanted.target)
      if (now) now.version = version
    } catch (error) {
      const code = codeOf(error)
      // It is gone, as the watch will say too.
      if (code === 404) return
      if (code === 400 || code === 403 || code === 422) {
        log.error({ object: text }, `a status cannot be written: ${explain(error)}`)
        return
      }
      wanted.state = 'Due'
      throw error
    }
  }
}
