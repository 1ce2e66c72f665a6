/** Reads single Secrets and ConfigMaps when they are asked for, nothing else of them: no list, no watch. */
import type { Clock } from '../../../lib/clock.ts'
import type { Key, KeyedData, KeyedOctets } from '../cluster.ts'
import type { KubeClient } from './client.ts'
import { codeOf } from './client.ts'

/** Hundreds of probes of one registrar that are due together ask for the same Secret: one answer serves them all. Milliseconds. */
const SHARED_FOR = 5_000

export class KeyedDataReader implements Disposable {
  readonly #core: KubeClient['core']
  readonly #secrets: SharedAnswers<KeyedData>
  readonly #configMaps: SharedAnswers<KeyedOctets>

  constructor(core: KubeClient['core'], clock: Clock) {
    this.#core = core
    this.#secrets = new SharedAnswers(clock)
    this.#configMaps = new SharedAnswers(clock)
  }

  /** Undefined: there is none. Rejects when the API server cannot be asked, or does not allow it. */
  secret(key: Key): Promise<KeyedData | undefined> {
    return this.#secrets.of(key, async () => {
      const { data } = await this.#core.readNamespacedSecret(key)
      return mapped(data, (value) => Buffer.from(value, 'base64').toString('utf8'))
    })
  }

  configMap(key: Key): Promise<KeyedOctets | undefined> {
    return this.#configMaps.of(key, async () => {
      const { data, binaryData } = await this.#core.readNamespacedConfigMap(key)
      return {
        ...mapped(data, (value) => Buffer.from(value)),
        ...mapped(binaryData, (value) => Buffer.from(value, 'base64')),
      }
    })
  }

  [Symbol.dispose](): void {
    this.#secrets[Symbol.dispose]()
    this.#configMaps[Symbol.dispose]()
  }
}

function mapped<Value>(data: Record<string, string> = {}, value: (text: string) => Value): Record<string, Value> {
  return Object.fromEntries(Object.entries(data).map(([name, text]) => [name, value(text)]))
}

/** Who asks while an answer is on its way, or shortly after it, gets the same one. */
class SharedAnswers<Answer> implements Disposable {
  readonly #clock: Clock
  readonly #asked = new Map<string, { answer: Promise<Answer | undefined>; forgetting: Disposable }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  of({ namespace, name }: Key, read: () => Promise<Answer>): Promise<Answer | undefined> {
    const text = `${namespace}/${name}`
    const asked = this.#asked.get(text)
    if (asked) return asked.answer
    const forget = () => {
      forgetting[Symbol.dispose]()
      this.#asked.delete(text)
    }
    const forgetting = this.#clock.timer(SHARED_FOR, forget)
    const answer = read().catch((error: unknown) => {
      if (codeOf(error) === 404) return undefined
      // The next one asks again.
      forget()
      throw error
    })
    this.#asked.set(text, { answer, forgetting })
    return answer
  }

  [Symbol.dispose](): void {
    for (const { forgetting } of this.#asked.values()) forgetting[Symbol.dispose]()
    this.#asked.clear()
  }
}
