/** Which replica leads, by a Lease: one at a time, each with an epoch above all before it. What leading means, others know. */
import { V1Lease, V1LeaseSpec, V1MicroTime, V1ObjectMeta } from '@kubernetes/client-node'
import type { Condition } from '../../../crds/index.ts'
import type { Clock } from '../../../lib/clock.ts'
import { sleep } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { Random } from '../../../lib/random.ts'
import type { Key, Term } from '../cluster.ts'
import type { KubeClient } from './client.ts'
import { codeOf, explain } from './client.ts'

export interface ElectionOptions {
  leases: KubeClient['leases']
  /** The Lease; made when it is not there. */
  lease: Key
  /** Ours alone among all processes that run, such as the name of the pod. */
  identity: string
  clock: Clock
  random: Random
  log: Log
}

/**
 * A term by the Lease, given back when it is disposed of. `holds` is true at most RENEW_DEADLINE after the last renewal was asked
 * for, whatever timers, network and clocks do.
 */
export interface LeasedTerm extends Term, AsyncDisposable {
  /** Aborts when the term is over. */
  readonly over: AbortSignal
}

/** Milliseconds. Others take the Lease when it was not renewed for so long. */
const DURATION = 15_000
/** A leader that could not renew for so long leads no more: well before others may. */
const RENEW_DEADLINE = 10_000
const RETRY_PERIOD = 2_000
/** Conditions as JSON: a Lease has no status. */
const CONDITIONS = 'ringcheck.dev/conditions'

export class Election {
  readonly #options: ElectionOptions
  /** The Lease as it was when it last changed, and when we saw that (Clock.monotonic). */
  #seen: { version: string | undefined; at: number } | undefined
  /** The highest that we saw. */
  #epoch = 0

  constructor(options: ElectionOptions) {
    this.#options = options
  }

  /** Resolves when we lead; undefined when `signal` aborted before. Disposing the term gives the Lease back. */
  async elected(signal: AbortSignal): Promise<LeasedTerm | undefined> {
    const { clock, random, log, lease } = this.#options
    for (let failures = 0; !signal.aborted;) {
      const sentAt = momentOf(clock)
      try {
        const taken = await this.#take()
        if (taken) {
          const term = new LeaseTerm(this.#options, taken, sentAt)
          this.#epoch = term.epoch
          return term
        }
        failures = 0
      } catch (error) {
        failures++
        if (failures === 1) log.warn({ lease }, `the Lease cannot be taken, trying again: ${explain(error)}`)
      }
      await sleep(clock, RETRY_PERIOD * (1 + random() / 5), signal)
    }
    return undefined
  }

  /** Undefined: another one has it. */
  async #take(): Promise<LeaseState | undefined> {
    const { identity, clock } = this.#options
    const there = await readLease(this.#options)
    this.#epoch = Math.max(this.#epoch, there?.epoch ?? 0)
    if (this.#seen?.version !== there?.version) this.#seen = { version: there?.version, at: clock.monotonic() }
    if (there && !this.#isFree(there)) return undefined
    try {
      const acquiredAt = new V1MicroTime(clock.now())
      const epoch = epochAfter(this.#epoch, clock.now())
      return await writeLease(this.#options, there, { holder: identity, epoch, acquiredAt, conditions: [] })
    } catch (error) {
      // Another one was quicker.
      if (codeOf(error) === 409) return undefined
      throw error
    }
  }

  /** By our own clock since it last changed; what others write of the time is worth as much as their clocks. */
  #isFree({ holder, duration }: LeaseState): boolean {
    const { clock, identity } = this.#options
    if (holder === '' || holder === identity) return true
    return clock.monotonic() - (this.#seen?.at ?? clock.monotonic()) >= duration
  }
}

/** Seconds since then fit the transitions of a Lease (32 bits) until 2088. */
const FIRST_SECOND = Date.UTC(2020)

/**
 * Above the one before, and never below the seconds since 2020: an agent may have heard of epochs that a Lease which was deleted, or
 * restored from a backup, knows nothing of. No term is shorter than a second, so that these were lower.
 */
const epochAfter = (before: number, now: number): number =>
  Math.max(before + 1, Math.floor((now - FIRST_SECOND) / 1000))

/** A Lease, as far as we need it. */
interface LeaseState {
  /** As it came: what others wrote stays. */
  object: V1Lease
  version: string | undefined
  /** Empty: nobody. */
  holder: string
  /** The transitions of the Lease. */
  epoch: number
  /** Milliseconds. */
  duration: number
  acquiredAt: V1MicroTime | undefined
}

function stateOf(object: V1Lease): LeaseState {
  const { metadata, spec } = object
  return {
    object,
    version: metadata?.resourceVersion,
    holder: spec?.holderIdentity ?? '',
    epoch: spec?.leaseTransitions ?? 0,
    duration: (spec?.leaseDurationSeconds ?? DURATION / 1000) * 1000,
    acquiredAt: spec?.acquireTime,
  }
}

/** Undefined: there is none. */
async function readLease({ leases, lease }: ElectionOptions): Promise<LeaseState | undefined> {
  try {
    return stateOf(await leases.readNamespacedLease(lease))
  } catch (error) {
    if (codeOf(error) === 404) return undefined
    throw error
  }
}

interface Written extends Pick<LeaseState, 'holder' | 'epoch' | 'acquiredAt'> {
  conditions: readonly Condition[]
}

/** Rejects with 409 when `before` is not the present one, or is undefined and there is one. */
async function writeLease(
  { leases, lease, clock }: ElectionOptions,
  before: LeaseState | undefined,
  { holder, epoch, acquiredAt, conditions }: Written,
): Promise<LeaseState> {
  const { metadata, spec } = before?.object ?? {}
  const { [CONDITIONS]: _, ...foreign } = metadata?.annotations ?? {}
  const annotations = { ...foreign, ...(conditions.length > 0 && { [CONDITIONS]: JSON.stringify(conditions) }) }
  const body = Object.assign(new V1Lease(), {
    metadata: Object.assign(new V1ObjectMeta(), metadata, lease, { annotations }),
    spec: Object.assign(new V1LeaseSpec(), spec, {
      holderIdentity: holder,
      leaseDurationSeconds: holder === '' ? 1 : DURATION / 1000,
      leaseTransitions: epoch,
      renewTime: new V1MicroTime(clock.now()),
      ...(acquiredAt && { acquireTime: acquiredAt }),
    }),
  })
  const { namespace } = lease
  return stateOf(
    before
      ? await leases.replaceNamespacedLease({ ...lease, body })
      : await leases.createNamespacedLease({ namespace, body }),
  )
}

interface Moment {
  monotonic: number
  wall: number
}

const momentOf = (clock: Clock): Moment => ({ monotonic: clock.monotonic(), wall: clock.now() })

class LeaseTerm implements LeasedTerm {
  readonly epoch: number
  readonly #options: ElectionOptions
  readonly #over = new AbortController()
  readonly #life: Promise<void>
  #lease: LeaseState
  #conditions: readonly Condition[] = []
  /** When the last renewal was asked for that was granted. */
  #renewedAt: Moment
  #deadline: Disposable

  constructor(options: ElectionOptions, lease: LeaseState, sentAt: Moment) {
    this.#options = options
    this.#lease = lease
    this.#renewedAt = sentAt
    this.epoch = lease.epoch
    this.#deadline = this.#watchDeadline()
    this.#life = this.#live()
    options.log.info({ epoch: this.epoch, identity: options.identity }, 'this replica leads')
  }

  get over(): AbortSignal {
    return this.#over.signal
  }

  holds(): boolean {
    if (this.over.aborted) return false
    const { clock } = this.#options
    // A machine that slept: its monotonic clock may have slept too, the wall clock has not.
    const passed = Math.max(clock.monotonic() - this.#renewedAt.monotonic, clock.now() - this.#renewedAt.wall)
    if (passed < RENEW_DEADLINE) return true
    this.#end('it could not be renewed in time')
    return false
  }

  /** Said on the Lease from its next renewal on. */
  show(conditions: readonly Condition[]): void {
    this.#conditions = conditions
  }

  /** Gives the Lease back, so that the next one need not wait for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    const mayRelease = this.holds()
    this.#end()
    await this.#life
    if (!mayRelease) return
    const { log } = this.#options
    const free = { ...this.#lease, holder: '', conditions: [] }
    await writeLease(this.#options, this.#lease, free).catch((error: unknown) =>
      log.info({}, `the Lease is not given back, it ends by itself: ${explain(error)}`),
    )
  }

  async #live(): Promise<void> {
    const { clock, log } = this.#options
    while (!this.over.aborted) {
      await sleep(clock, RETRY_PERIOD, this.over)
      if (!this.holds()) return
      const sentAt = momentOf(clock)
      try {
        await this.#renew()
        if (!this.holds()) return
        this.#renewedAt = sentAt
        this.#deadline[Symbol.dispose]()
        this.#deadline = this.#watchDeadline()
      } catch (error) {
        log.warn({ epoch: this.epoch }, `the Lease is not renewed, trying again: ${explain(error)}`)
      }
    }
  }

  async #renew(): Promise<void> {
    const ours = { ...this.#lease, conditions: this.#conditions }
    try {
      this.#lease = await writeLease(this.#options, this.#lease, ours)
    } catch (error) {
      const code = codeOf(error)
      if (code !== 404 && code !== 409) throw error
      const there = await readLease(this.#options)
      // Our own renewal, whose answer did not come; or somebody wrote a label on it; or somebody deleted it.
      if (!there || (there.holder === this.#lease.holder && there.epoch === this.epoch))
        this.#lease = await writeLease(this.#options, there, ours)
      else this.#end(`${there.holder === '' ? 'nobody' : there.holder} has it`)
    }
  }

  #watchDeadline(): Disposable {
    return this.#options.clock.timer(RENEW_DEADLINE, () => void this.holds())
  }

  /** @param why absent: we give it back ourselves */
  #end(why?: string): void {
    if (this.over.aborted) return
    this.#deadline[Symbol.dispose]()
    if (why !== undefined) this.#options.log.warn({ epoch: this.epoch }, `this replica no longer leads: ${why}`)
    this.#over.abort()
  }
}
