/** One agent that the operator knows of, in a pod or elsewhere: told who leads, asked what it has. It is given plans by others. */
import type { Clock } from '../../../lib/clock.ts'
import { sleep } from '../../../lib/clock.ts'
import type { Random } from '../../../lib/random.ts'
import { createAgentClient } from '../../../agent/api/index.ts'
import type { Credentials, LeadAnswer } from '../../../agent/api/index.ts'
import type { Group } from '../agents.ts'
import type { ReadyAgent } from '../execution.ts'

export interface MemberOptions {
  name: string
  /** Of its pod; absent: an agent outside of the cluster takes plans of all namespaces. */
  namespace?: string
  location: string
  url: string
  /** Absent: the host of `url`. */
  serverName?: string
  credentials: () => Credentials
  epoch: number
  /** It was there when we began to lead: it may have runs of the leader before. */
  isFromBefore: boolean
  /** How often it is asked again, although it has answered, milliseconds. Absent: its pod says how it is. */
  lookEvery?: number
  /** Done before each question; what it throws is why there is no answer. */
  prepare?: () => Promise<void>
  /** It answered, or does so no more. */
  onAnswer: (member: Member) => void
  clock: Clock
  random: Random
}

/** Milliseconds until one that did not answer is asked again. */
const ASK_AGAIN = 2_000

export class Member implements AsyncDisposable {
  readonly #options: MemberOptions
  readonly #gone = new AbortController()
  readonly #first = Promise.withResolvers<void>()
  readonly agent: ReadyAgent
  #answer: LeadAnswer | undefined
  #asking: Promise<void> | undefined
  #isUp = false

  constructor(options: MemberOptions) {
    this.#options = options
    const { name } = options
    this.agent = { name, client: createAgentClient(options), gone: this.#gone.signal }
    this.#ask()
  }

  /** What the kubelet says of its pod, or true where there is none. */
  set isUp(isUp: boolean) {
    const cameBack = isUp && !this.#isUp
    this.#isUp = isUp
    // Its process may be another one, which knows of no leader.
    if (cameBack) this.#ask()
  }

  /** Absent: all of them. */
  get namespace(): string | undefined {
    return this.#options.namespace
  }

  get location(): string {
    return this.#options.location
  }

  serves({ namespace, location }: Group): boolean {
    return this.#options.location === location && (this.#options.namespace ?? namespace) === namespace
  }

  /** Takes plans now. */
  get isReady(): boolean {
    return this.#isUp && this.#answer?.kind === 'Led' && !this.#gone.signal.aborted
  }

  /** Undefined: it has not answered yet. */
  get answer(): LeadAnswer | undefined {
    return this.#answer
  }

  /** It may have runs of the leader before us, and did not say which. */
  get isSilent(): boolean {
    return this.#options.isFromBefore && this.#answer?.kind !== 'Led' && !this.#gone.signal.aborted
  }

  /** Resolves when it was asked once, whatever came of it. */
  get asked(): Promise<void> {
    return this.#first.promise
  }

  /** Its executions are lost at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#gone.abort()
    this.#first.resolve()
    await this.agent.client[Symbol.asyncDispose]()
    await this.#asking
  }

  #ask(): void {
    this.#asking ??= this.#untilAnswered().finally(() => (this.#asking = undefined))
  }

  async #untilAnswered(): Promise<void> {
    const { clock, onAnswer, lookEvery } = this.#options
    const { signal } = this.#gone
    while (!signal.aborted) {
      const answer = await this.#lead()
      if (signal.aborted) return
      this.#answer = answer
      this.#first.resolve()
      onAnswer(this)
      if (answer.kind === 'Led' && lookEvery === undefined) return
      await sleep(clock, answer.kind === 'Led' ? (lookEvery ?? ASK_AGAIN) : ASK_AGAIN, signal)
    }
  }
  async #lead(): Promise<LeadAnswer> {
    const { epoch, prepare } = this.#options
    try {
      await prepare?.()
    } catch (error) {
      return { kind: 'Unreachable', detail: error instanceof Error ? error.message : String(error) }
    }
    return this.agent.client.lead(epoch)
  }
}
