/** One answer for all who ask the same within a short time, also while it is still on its way. What failed is not kept. */
import type { Clock } from '../../../lib/clock.ts'

export interface SharedAnswersOptions {
  clock: Clock
  /** Milliseconds from the question on. */
  keptFor: number
  /** How many are kept; the oldest goes first. Absent: any number. */
  most?: number
}

export class SharedAnswers<Answer> implements Disposable {
  readonly #options: SharedAnswersOptions
  readonly #asked = new Map<string, { answer: Promise<Answer>; forgetting: Disposable }>()

  constructor(options: SharedAnswersOptions) {
    this.#options = options
  }

  of(question: string, ask: () => Promise<Answer>): Promise<Answer> {
    const asked = this.#asked.get(question)
    if (asked) return asked.answer
    const { clock, keptFor, most = Number.POSITIVE_INFINITY } = this.#options
    const answer = ask()
    const mine = { answer, forgetting: clock.timer(keptFor, () => this.#forget(question)) }
    this.#asked.set(question, mine)
    // The next one asks again, unless that was done meanwhile.
    answer.catch(() => this.#asked.get(question) === mine && this.#forget(question))
    const [oldest] = this.#asked.keys()
    if (this.#asked.size > most && oldest !== undefined) this.#forget(oldest)
    return answer
  }

  [Symbol.dispose](): void {
    for (const question of [...this.#asked.keys()]) this.#forget(question)
  }

  #forget(question: string): void {
    this.#asked.get(question)?.forgetting[Symbol.dispose]()
    this.#asked.delete(question)
  }
}
