/** Kubernetes Events about our objects, for `kubectl describe` and `kubectl events`. They are a courtesy: one that cannot be written is lost. */
import { createHash } from 'node:crypto'
import { V1MicroTime } from '@kubernetes/client-node'
import { GROUP, VERSION } from '../../../crds/index.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { ClusterEvent, Key, Kind } from '../cluster.ts'
import type { KubeClient } from './client.ts'
import { codeOf, explain } from './client.ts'

export interface EventWriterOptions {
  events: KubeClient['events']
  /** Who writes them: the name of our pod. */
  instance: string
  clock: Clock
  log: Log
}

/** What the API server takes, in characters. */
const LONGEST_NOTE = 1024
const LONGEST_REASON = 128
/** While the API server does not answer they are not gathered without bound. */
const MOST_UNDER_WAY = 100

export class EventWriter {
  readonly #options: EventWriterOptions
  readonly #underWay = new Set<Promise<void>>()

  constructor(options: EventWriterOptions) {
    this.#options = options
  }

  /** Returns at once. The same event, by its id, is written once, whoever writes it. */
  write(kind: Kind, { namespace, name, uid }: Key & { uid: string }, event: ClusterEvent): void {
    if (this.#underWay.size >= MOST_UNDER_WAY) return
    const { events, instance, clock, log } = this.#options
    const suffix = createHash('sha256').update(`${uid}/${event.id}`).digest('hex').slice(0, 16)
    const written: Promise<void> = events
      .createNamespacedEvent({
        namespace,
        body: {
          metadata: { namespace, name: `${name.slice(0, 230)}.${suffix}` },
          eventTime: new V1MicroTime(clock.now()),
          reportingController: `${GROUP}/operator`,
          reportingInstance: instance.slice(0, LONGEST_REASON),
          action: event.action,
          reason: event.reason.slice(0, LONGEST_REASON),
          note: event.note.slice(0, LONGEST_NOTE),
          type: event.type,
          regarding: { apiVersion: `${GROUP}/${VERSION}`, kind, namespace, name, uid },
        },
      })
      .then(
        () => undefined,
        (error: unknown) => {
          if (codeOf(error) !== 409) log.info({ kind, namespace, name }, `an Event is lost: ${explain(error)}`)
        },
      )
      .finally(() => this.#underWay.delete(written))
    this.#underWay.add(written)
  }

  async settled(): Promise<void> {
    await Promise.all(this.#underWay)
  }
}
