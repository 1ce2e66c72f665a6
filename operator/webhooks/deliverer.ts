/** Takes due deliveries from the outbox and sends them: in order for each webhook of a probe, none held up by another. It knows no kind; where a delivery goes is asked. */
import type { LookupFunction } from 'node:net'
import { Agent } from 'undici'
import type { Clock } from '../../lib/clock.ts'
import { sleep } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import type { Delivery, Outbox } from '../history/history.ts'
import { checkedLookup } from './addresses.ts'
import type { AddressCheck } from './addresses.ts'
import { createGate } from './gate.ts'
import { prepare } from './prepare.ts'
import type { Prepared, Target } from './prepare.ts'
import { decide } from './retry.ts'
import type { Attempt } from './retry.ts'
import { send } from './send.ts'
import { masked } from './target.ts'

/** What the deliverer needs of the outbox. */
export interface QueuedOutbox extends Pick<Outbox, 'due' | 'nextDue' | 'supersede' | 'disabledEndpoint' | 'counts'> {
  settle(delivery: Delivery, result: Parameters<Outbox['settle']>[1]): Promise<void>
  postpone(delivery: Delivery, attempt: Parameters<Outbox['postpone']>[1]): Promise<void>
}

export interface DelivererOptions {
  outbox: QueuedOutbox
  /** `reason` is a sentence for the delivery log; the delivery is tried again like one that was not answered. */
  resolve: (delivery: Delivery) => Promise<Target | { unavailable: string }>
  /** Whether nobody else delivers: asked right before each attempt. Once it says no, nothing is begun any more. */
  holds: () => boolean
  /** Which addresses may be sent to; where this machine is among them, over `http` too. */
  check: AddressCheck
  /** Resolves the names of receivers. Default: as the system does. */
  lookup?: LookupFunction
  clock: Clock
  random: Random
  log: Log
  /** Called when an endpoint took a delivery, or wants no more of them. */
  onSettled: (delivery: Delivery, state: 'Delivered' | 'Disabled') => void
}

export const deliveryResults = ['delivered', 'failed', 'disabled', 'superseded', 'expired'] as const
type DeliveryResult = (typeof deliveryResults)[number]

export interface DeliverySnapshot {
  /** Since the start. `failed` counts attempts, all others deliveries. */
  results: Readonly<Record<DeliveryResult, number>>
  /** Pending deliveries. */
  queueDepth: number
  /** Age of the oldest pending one in milliseconds; absent: none is pending. */
  oldestAge?: number
}

/** Heads read at once. */
const PAGE = 200
/** Deliveries in hand at once, sent or waiting for their endpoint. */
const MOST_IN_HAND = 2000
/** One endpoint gets few requests at once, and few wait for it here: the rest waits in the store. */
const PER_ENDPOINT = { inside: 4, waiting: 20 }
/** What is being sent at the end may take this long, milliseconds. */
const GRACE = 5000
/** After the store failed, milliseconds. */
const STORE_RETRY = 5000
/** The longest time between two looks: clocks jump, ages are noticed no later, and what another replica was asked to replay neither. Milliseconds. */
const LONGEST_REST = 60_000
/** After a look that read more than one page, for each of them: a long queue never takes over the process. Milliseconds. */
const REST = 10

export class Deliverer implements AsyncDisposable {
  readonly #options: DelivererOptions
  readonly #dispatcher: Agent
  readonly #gate = createGate(PER_ENDPOINT)
  readonly #results: Record<DeliveryResult, number> = {
    delivered: 0,
    failed: 0,
    disabled: 0,
    superseded: 0,
    expired: 0,
  }
  /** By webhook of a probe: the delivery in hand. Its successor is not looked at before it is let go. */
  readonly #inHand = new Map<string, Promise<void>>()
  /** By webhook of a probe: the URL that its oldest delivery was last sent to. */
  readonly #lastUrl = new Map<string, string>()
  readonly #stopping = new AbortController()
  readonly #cut = new AbortController()
  #looking: Promise<void> | undefined
  #lookAgain = false
  #timer: Disposable | undefined

  /** Starts at once with what a former process left behind. */
  constructor(options: DelivererOptions) {
    this.#options = options
    // A connection for each request: one that was kept may be closed by the other side just when it is used.
    this.#dispatcher = new Agent({ pipelining: 0, connect: { lookup: checkedLookup(options.check, options.lookup) } })
    this.wake()
  }

  /** Something new may be due. */
  wake(): void {
    if (this.#stopping.signal.aborted || !this.#options.holds()) return
    this.#lookAgain = true
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
      if (this.#lookAgain) this.wake()
    })
  }

  async snapshot(): Promise<DeliverySnapshot> {
    const { pending, oldestCreatedAt } = await this.#options.outbox.counts()
    return {
      results: { ...this.#results },
      queueDepth: pending,
      ...(oldestCreatedAt !== undefined && { oldestAge: Math.max(0, this.#options.clock.now() - oldestCreatedAt) }),
    }
  }

  /** Begins nothing new and waits up to 5 s for what is being sent; what was cut off goes again after the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    this.#timer?.[Symbol.dispose]()
    using _grace = this.#options.clock.timer(GRACE, () => this.#cut.abort())
    await this.#looking
    await Promise.all(this.#inHand.values())
    await this.#dispatcher.destroy()
  }

  /** Never rejects: whatever it is that failed, there is a next look. */
  async #look(): Promise<void> {
    const { clock, log } = this.#options
    while (this.#lookAgain && !this.#stopping.signal.aborted) {
      this.#lookAgain = false
      this.#timer?.[Symbol.dispose]()
      try {
        const pages = await this.#takeDue(clock.now())
        if (pages > 1) await sleep(clock, pages * REST, this.#stopping.signal)
      } catch (error) {
        log.error({ error }, 'webhook deliveries cannot be read, trying again')
        this.#wakeIn(STORE_RETRY)
      }
    }
  }

  /** Returns how many pages it read. */
  async #takeDue(now: number): Promise<number> {
    const { outbox, clock } = this.#options
    const { superseded, expired } = await outbox.supersede(now)
    this.#results.superseded += superseded
    this.#results.expired += expired
    let pages = 0
    let after = 0
    while (this.#inHand.size < MOST_IN_HAND) {
      const heads = await outbox.due(now, PAGE, after)
      pages++
      for (const delivery of heads) this.#take(delivery)
      const last = heads.at(-1)
      if (!last || heads.length < PAGE) break
      after = last.id
    }
    const next = await outbox.nextDue(now)
    if (next === undefined && this.#inHand.size === 0) this.#lastUrl.clear()
    this.#wakeIn(Math.min((next ?? Number.POSITIVE_INFINITY) - clock.now(), LONGEST_REST))
    return pages
  }

  #wakeIn(milliseconds: number): void {
    if (this.#stopping.signal.aborted) return
    this.#timer?.[Symbol.dispose]()
    this.#timer = this.#options.clock.timer(milliseconds, () => this.wake())
  }

  #take(delivery: Delivery): void {
    const lane = laneOf(delivery)
    const url = this.#lastUrl.get(lane)
    if (this.#inHand.has(lane) || this.#inHand.size >= MOST_IN_HAND || (url !== undefined && this.#gate.full(url)))
      return
    this.#inHand.set(
      lane,
      this.#deliver(delivery, lane).finally(() => {
        this.#inHand.delete(lane)
        this.wake()
      }),
    )
  }

  /** Never rejects. */
  async #deliver(delivery: Delivery, lane: string): Promise<void> {
    const { clock, log } = this.#options
    try {
      const target = await this.#target(delivery)
      if ('unavailable' in target) return await this.#unanswered(delivery, target.unavailable)
      this.#lastUrl.set(lane, target.url.href)
      using _place = await this.#gate.enter(target.url.href)
      if (!this.#stopping.signal.aborted) await this.#attempt(delivery, target)
    } catch (error) {
      // It keeps its place, so that what was sent and could not be noted is not sent again and again.
      log.error({ error, delivery: delivery.id }, 'a webhook delivery cannot be noted, trying again')
      await sleep(clock, STORE_RETRY, this.#stopping.signal)
    }
  }

  async #target(delivery: Delivery): Promise<Prepared | { unavailable: string }> {
    const { resolve, check, log } = this.#options
    const target = await resolve(delivery).catch((error: unknown) => {
      log.error({ error, webhook: delivery.webhook }, 'the target of a webhook cannot be read')
      return { unavailable: 'the target could not be read' }
    })
    return 'unavailable' in target ? target : prepare(target, check)
  }

  async #attempt(delivery: Delivery, { url, endpoint, post }: Prepared): Promise<void> {
    const { outbox, clock } = this.#options
    if ((await outbox.disabledEndpoint(delivery)) === endpoint) {
      const error = 'not sent: the endpoint answered 410 before'
      await outbox.settle(delivery, { state: 'Disabled', error, at: clock.now(), endpoint })
      this.#disabled(delivery)
      return
    }
    // Whoever delivers now has it in its outbox.
    if (!this.#options.holds()) return
    const { webhookId, body } = delivery
    const means = { dispatcher: this.#dispatcher, clock, signal: this.#cut.signal }
    const attempt = await send({ url, ...post({ id: webhookId, at: clock.now(), body }) }, means)
    // Cut off by ourselves: it says nothing of the endpoint.
    if (attempt.kind === 'Unanswered' && this.#cut.signal.aborted) return
    await this.#note(delivery, attempt, { endpoint, host: masked(url.href) })
  }

  async #note(
    delivery: Delivery,
    attempt: Attempt,
    { endpoint, host }: { endpoint: string; host: string },
  ): Promise<void> {
    const { outbox, clock, random, log } = this.#options
    const { probe, webhook, attempts, createdAt } = delivery
    const now = clock.now()
    const decision = decide(attempt, { attempts: attempts + 1, createdAt, now, random })
    const responseCode = attempt.kind === 'Answered' ? { responseCode: attempt.code } : {}
    const about = { namespace: probe.namespace, probe: probe.name, webhook, host, ...responseCode }
    switch (decision.result) {
      case 'Delivered':
        await outbox.settle(delivery, { state: 'Delivered', ...responseCode, at: now, endpoint })
        this.#lastUrl.delete(laneOf(delivery))
        this.#results.delivered++
        this.#options.onSettled(delivery, 'Delivered')
        log.debug(about, 'webhook delivered')
        return
      case 'Disabled':
        await outbox.settle(delivery, { state: 'Disabled', ...responseCode, at: now, endpoint })
        this.#lastUrl.delete(laneOf(delivery))
        this.#disabled(delivery)
        log.warn(about, 'webhook endpoint answered 410 and gets no more until its url or secretRef changes')
        return
      case 'Retry': {
        const error = attempt.kind === 'Unanswered' ? attempt.error : `HTTP ${attempt.code}`
        await outbox.postpone(delivery, { nextAttemptAt: decision.at, ...responseCode, error, at: now })
        this.#results.failed++
        log.warn({ ...about, error, reason: decision.reason }, 'webhook not delivered, trying again')
      }
    }
  }

  #disabled(delivery: Delivery): void {
    this.#results.disabled++
    this.#options.onSettled(delivery, 'Disabled')
  }

  async #unanswered(delivery: Delivery, error: string): Promise<void> {
    await this.#note(delivery, { kind: 'Unanswered', error }, { endpoint: '', host: '' })
  }
}

function laneOf({ probe, webhook }: Delivery): string {
  return `${probe.namespace}/${probe.name}/${webhook}`
}
