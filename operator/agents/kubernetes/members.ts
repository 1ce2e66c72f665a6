/** Which agents there are: those in pods, as they come and go, and those outside of the cluster, as they are configured. It gives them nothing to do. */
import type { Clock } from '../../../lib/clock.ts'
import type { Random } from '../../../lib/random.ts'
import type { Credentials } from '../../../agent/api/index.ts'
import type { WorkloadPod, Workloads } from '../../cluster/workloads.ts'
import type { Group } from '../agents.ts'
import type { Location, Locations } from './locations.ts'
import { Member } from './member.ts'
import { API_PORT, groupOf, serverNameOf } from './objects.ts'
import type { Trust } from './trust.ts'

export interface MembersOptions {
  workloads: Workloads
  locations: Locations
  /** That of the moment. */
  trust: () => Trust
  /** Where Secrets of agents outside of the cluster are. */
  namespace: string
  epoch: number
  /** A member answered. */
  onAnswer: (member: Member) => void
  /** Pods of this namespace came, went or changed. */
  onPods: (namespace: string) => void
  clock: Clock
  random: Random
}

type External = Location['agents'][number]

/** Agents outside of the cluster have no kubelet that says how they are. */
const LOOK_EVERY = 10_000

const idOf = ({ namespace, name, uid }: WorkloadPod): string => `${namespace}/${name}/${uid}`

export class Members implements AsyncDisposable {
  readonly #options: MembersOptions
  readonly #pods = new Map<string, Member>()
  readonly #external: readonly Member[]
  readonly #subscription: Disposable

  constructor(options: MembersOptions) {
    this.#options = options
    const { workloads, locations, onPods } = options
    const outside = Object.entries(locations).flatMap(([location, { agents }]) =>
      agents.map((external) => ({ location, external })),
    )
    this.#external = outside.map(({ location, external }) => this.#outside(location, external))
    this.#lookAtPods(true)
    this.#subscription = workloads.onChange((namespace) => {
      this.#lookAtPods(false)
      onPods(namespace)
    })
  }

  all(): readonly Member[] {
    return [...this.#external, ...this.#pods.values()]
  }

  of(group: Group): readonly Member[] {
    return this.all().filter((member) => member.serves(group))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscription[Symbol.dispose]()
    await Promise.all(this.all().map((member) => member[Symbol.asyncDispose]()))
  }

  #lookAtPods(isFromBefore: boolean): void {
    const pods = this.#options.workloads.pods().filter(({ isOver }) => !isOver)
    const there = new Set(pods.map(idOf))
    for (const [id, member] of this.#pods) {
      if (there.has(id)) continue
      this.#pods.delete(id)
      void member[Symbol.asyncDispose]()
    }
    for (const pod of pods) {
      const known = this.#pods.get(idOf(pod)) ?? this.#inPod(pod, isFromBefore)
      if (!known) continue
      this.#pods.set(idOf(pod), known)
      known.isUp = pod.isReady && !pod.isGoing
    }
  }

  /** Undefined: it has no address yet. */
  #inPod({ namespace, name, labels, ip }: WorkloadPod, isFromBefore: boolean): Member | undefined {
    const { trust } = this.#options
    const group = groupOf(namespace, labels)
    if (!group || ip === undefined) return undefined
    return new Member({
      ...{ ...this.#common(), ...group, name, isFromBefore },
      url: `https://${ip.includes(':') ? `[${ip}]` : ip}:${API_PORT}`,
      serverName: serverNameOf(group),
      credentials: () => trust().operator,
    })
  }

  #common() {
    const { epoch, onAnswer, clock, random } = this.#options
    return { epoch, onAnswer, clock, random }
  }

  #outside(location: string, { url, caRef }: External): Member {
    const { workloads, trust, namespace } = this.#options
    let credentials: Credentials = trust().operator
    const prepare = async () => {
      const { operator } = trust()
      if (!caRef) return void (credentials = operator)
      const ca = (await workloads.secret({ namespace, name: caRef.name }))?.[caRef.key]
      if (ca === undefined) throw new Error(`the Secret ${namespace}/${caRef.name} has no key ${caRef.key}`)
      credentials = { ...operator, ca }
    }
    const options = { ...this.#common(), location, url, name: url, isFromBefore: true, lookEvery: LOOK_EVERY, prepare }
    const member = new Member({ ...options, credentials: () => credentials })
    member.isUp = true
    return member
  }
}
