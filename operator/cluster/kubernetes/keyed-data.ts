/** Reads single Secrets and ConfigMaps when they are asked for, nothing else of them: no list, no watch. */
import type { Clock } from '../../../lib/clock.ts'
import type { Key, KeyedData, KeyedOctets } from '../cluster.ts'
import type { KubeClient } from './client.ts'
import { codeOf } from './client.ts'
import { SharedAnswers } from './shared-answers.ts'

/** Hundreds of probes of one registrar that are due together ask for the same Secret: one answer serves them all. Milliseconds. */
const SHARED_FOR = 5_000

export class KeyedDataReader implements Disposable {
  readonly #core: KubeClient['core']
  readonly #secrets: SharedAnswers<KeyedData | undefined>
  readonly #configMaps: SharedAnswers<KeyedOctets | undefined>

  constructor(core: KubeClient['core'], clock: Clock) {
    this.#core = core
    this.#secrets = new SharedAnswers({ clock, keptFor: SHARED_FOR })
    this.#configMaps = new SharedAnswers({ clock, keptFor: SHARED_FOR })
  }

  /** Undefined: there is none. Rejects when the API server cannot be asked, or does not allow it. */
  secret(key: Key): Promise<KeyedData | undefined> {
    return this.#secrets.of(textOf(key), () =>
      foundBy(async () => {
        const { data } = await this.#core.readNamespacedSecret(key)
        return mapped(data, (value) => Buffer.from(value, 'base64').toString('utf8'))
      }),
    )
  }

  configMap(key: Key): Promise<KeyedOctets | undefined> {
    return this.#configMaps.of(textOf(key), () =>
      foundBy(async () => {
        const { data, binaryData } = await this.#core.readNamespacedConfigMap(key)
        return {
          ...mapped(data, (value) => Buffer.from(value)),
          ...mapped(binaryData, (value) => Buffer.from(value, 'base64')),
        }
      }),
    )
  }

  [Symbol.dispose](): void {
    this.#secrets[Symbol.dispose]()
    this.#configMaps[Symbol.dispose]()
  }
}

const textOf = ({ namespace, name }: Key): string => `${namespace}/${name}`

function foundBy<Found>(read: () => Promise<Found>): Promise<Found | undefined> {
  return read().catch((error: unknown) => {
    if (codeOf(error) === 404) return undefined
    throw error
  })
}

function mapped<Value>(data: Record<string, string> = {}, value: (text: string) => Value): Record<string, Value> {
  return Object.fromEntries(Object.entries(data).map(([name, text]) => [name, value(text)]))
}
