/** The objects of one kind as the API server has them, parsed; one that cannot be parsed is told so in its status, and nothing else is lost. */
import { isDeepStrictEqual } from 'node:util'
import { parseObject } from '../../../crds/index.ts'
import type { ParsedObject } from '../../../crds/index.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { Key, Kind, Stored } from '../cluster.ts'
import { condition } from '../condition.ts'
import type { Sink, WatchedObject } from './reflector.ts'
import { nameOf } from './reflector.ts'
import type { StatusTarget, StatusWriter } from './status-writer.ts'

export interface ObjectsOptions {
  kind: Kind
  statuses: StatusWriter
  /** It came, went, or changed by somebody else's hand: its spec, labels, annotations, or the status that another replica writes. */
  onChange: (key: Key) => void
  clock: Clock
  log: Log
}

/** What is there under one name. */
export interface Held {
  readonly target: StatusTarget
  /** Tells whether something changed that is not status. */
  readonly mark: string
  /** Absent: it cannot be parsed. */
  resource?: Stored
  /** The status of one that cannot be parsed. */
  readonly refusal?: object
}

/** Characters; a status is small. */
const LONGEST_MESSAGE = 1024

export class Objects implements Sink {
  readonly #options: ObjectsOptions
  readonly #held = new Map<string, Held>()

  constructor(options: ObjectsOptions) {
    this.#options = options
  }

  values(): Iterable<Held> {
    return this.#held.values()
  }

  get({ namespace, name }: Key): Held | undefined {
    return this.#held.get(`${namespace}/${name}`)
  }

  /** Says of each that cannot be parsed that it cannot. For a replica that did not lead until now. */
  refuse(): void {
    for (const { target, refusal } of this.#held.values())
      if (refusal) this.#options.statuses.want(target, refusal, undefined)
  }

  put(object: WatchedObject): void {
    const name = nameOf(object)
    const before = this.#held.get(name)
    const held = this.#read(object, before)
    if (held === before) return
    this.#held.set(name, held)
    const isSame = before?.mark === held.mark && isDeepStrictEqual(before.resource?.status, held.resource?.status)
    if (!isSame) this.#options.onChange(held.target)
  }

  remove(name: string): void {
    const held = this.#held.get(name)
    if (!held) return
    this.#held.delete(name)
    this.#options.statuses.forget(held.target)
    this.#options.onChange(held.target)
  }

  retain(names: ReadonlySet<string>): void {
    for (const name of [...this.#held.keys()]) if (!names.has(name)) this.remove(name)
  }

  #read(object: WatchedObject, before: Held | undefined): Held {
    const { kind, statuses } = this.#options
    const { name, namespace, resourceVersion, uid, generation, labels, annotations } = object.metadata
    const target = { kind, namespace, name, uid }
    const mark = JSON.stringify([uid, generation, labels, annotations])
    const status = statuses.seen(target, BigInt(resourceVersion), object['status'])
    // What we wrote ourselves comes back, and is the most of what comes.
    if (before?.resource && before.mark === mark && before.resource.status === status) return before
    const parsed = parseObject(kind, { ...object, ...(status !== undefined && { status }) })
    if (parsed.kind === 'Parsed') {
      const { resource } = parsed
      return { target, mark, resource: { ...resource, metadata: { ...resource.metadata, uid, generation } } }
    }
    const refusal = this.#refusal(parsed, generation)
    statuses.want(target, refusal, object['status'])
    return { target, mark, refusal }
  }

  #refusal({ message, conditions: before }: Extract<ParsedObject, { kind: 'Refused' }>, generation: number): object {
    const now = this.#options.clock.now()
    const ready = {
      type: 'Ready',
      status: 'False',
      reason: 'InvalidSpec',
      message: message.slice(0, LONGEST_MESSAGE),
    } as const
    return { observedGeneration: generation, conditions: [condition(ready, { before, generation, now })] }
  }
}
