/** Joins cluster, history and pages: writes each StatusPage's status and keeps it rendered. Decides nothing that is not in the pure files beside it. */
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../../lib/clock.ts'
import { close } from '../../lib/http.ts'
import { formatAddress } from '../../lib/http.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import { WorkQueue } from '../../lib/work-queue.ts'
import type { QueueObserver } from '../../lib/work-queue.ts'
import type { Cluster, Key, Stored } from '../cluster/cluster.ts'
import type { History } from '../history/index.ts'
import { createPagesServer, renderPage } from '../pages/status/index.ts'
import type { RenderedPage } from '../pages/status/index.ts'
import { pageModel } from './model.ts'
import { Observer } from './observe.ts'
import { pageStatus } from './status.ts'

export interface StatusPagesOptions {
  cluster: Cluster
  history: Pick<History, 'states'>
  clock: Clock
  random: Random
  log: Log
  /** Where readers find the pages, such as `https://status.example.com`. Absent: where the server is bound. */
  publicUrl?: string
  observer?: QueueObserver
}

export interface StatusPages extends AsyncDisposable {
  /** Serves the pages; bound and closed by whoever started this. */
  readonly server: FastifyInstance
  /** This probe's status was written: its pages show it within a second. */
  invalidate(probe: Key): void
}

/** Changes that come together are rendered together; a transition still shows well within 2 s. Milliseconds. */
const GATHER = 250
/** Uptime and the time of the last update move on by themselves. */
const REFRESH = 60_000

const textOf = ({ namespace, name }: Key): string => `${namespace}/${name}`
const slugOf = ({ metadata, spec }: Stored<'StatusPage'>): string => spec.slug ?? metadata.name
const addressOf = (page: Stored<'StatusPage'>): string => `${page.metadata.namespace}/${slugOf(page)}`

/** What is kept of a page. */
interface Tracked {
  observer: Observer
  /** Namespace and slug under which it is served; absent: it is not. */
  address?: string
  /** What the page was made from last, but for what moves on by itself. */
  made?: { from: string; due: number }
}

interface Served {
  /** Namespace and name of the page that it belongs to. */
  owner: string
  page: RenderedPage
}

export function startStatusPages(options: StatusPagesOptions): StatusPages {
  return new Pages(options)
}

class Pages implements StatusPages {
  readonly server: FastifyInstance
  readonly #options: StatusPagesOptions
  readonly #queue: WorkQueue
  readonly #subscription: Disposable
  readonly #tracked = new Map<string, Tracked>()
  readonly #served = new Map<string, Served>()
  /** Pages that will be looked at when their moment of gathering is over. */
  readonly #gathering = new Map<string, Disposable>()

  constructor(options: StatusPagesOptions) {
    this.#options = options
    const { cluster, clock, random, log } = options
    this.server = createPagesServer(({ namespace, slug }) => this.#served.get(`${namespace}/${slug}`)?.page)
    this.server.server.on('listening', () => this.#all())
    this.#queue = new WorkQueue({
      clock,
      random,
      handle: (text) => this.#reconcile(text),
      onError: (page, error) => log.error({ error, page }, 'status page cannot be made, trying again'),
      ...(options.observer && { observer: options.observer }),
    })
    this.#subscription = cluster.onChange(({ kind, key }) => {
      // A slug that one page gives up may be another one's, so all of the namespace are looked at.
      if (kind === 'StatusPage') this.#all(key)
      else if (kind === 'SipProbe') this.invalidate(key)
    })
    this.#all()
  }

  invalidate(probe: Key): void {
    for (const { metadata, spec } of this.#options.cluster.list('StatusPage')) {
      const isShown = spec.components.some(({ probeRef }) => probeRef.name === probe.name)
      if (isShown && metadata.namespace === probe.namespace) this.#gather(textOf(metadata))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscription[Symbol.dispose]()
    for (const timer of this.#gathering.values()) timer[Symbol.dispose]()
    this.#gathering.clear()
    await this.#queue[Symbol.asyncDispose]()
    await close(this.server.server)
    await this.server.close()
  }

  /** Every page, of this namespace where one is given, and the one that is gone. */
  #all(changed?: Key): void {
    if (changed) this.#queue.add(textOf(changed))
    for (const { metadata } of this.#options.cluster.list('StatusPage'))
      if (!changed || metadata.namespace === changed.namespace) this.#queue.add(textOf(metadata))
  }

  #gather(text: string): void {
    if (this.#gathering.has(text)) return
    const timer = this.#options.clock.timer(GATHER, () => {
      this.#gathering.delete(text)
      this.#queue.add(text)
    })
    this.#gathering.set(text, timer)
  }

  async #reconcile(text: string): Promise<void> {
    const { cluster, clock } = this.#options
    const [namespace = '', name = ''] = text.split('/')
    const page = cluster.get('StatusPage', { namespace, name })
    if (!page) return this.#forget(text)
    const tracked = this.#tracked.get(text) ?? { observer: new Observer(this.#options) }
    this.#tracked.set(text, tracked)

    const now = clock.now()
    const isFirst = this.#isFirst(page)
    const address = addressOf(page)
    if (!isFirst || tracked.address !== address) this.#withdraw(text, tracked)
    const from = this.#madeFrom(page, isFirst)
    if (tracked.made?.from === from && now < tracked.made.due) return this.#queue.addAfter(text, tracked.made.due - now)

    const { observed, nextEdge } = await tracked.observer.observe(page, now)
    const url = `${this.#base()}/status/${address}`
    const question = { page, observed, now, ...(isFirst && { url }) }
    if (isFirst) {
      this.#served.set(address, { owner: text, page: renderPage(pageModel({ ...question, url })) })
      tracked.address = address
    }
    await cluster.writeStatus('StatusPage', page.metadata, pageStatus(question))
    const due = Math.min(now + REFRESH, nextEdge, nextEdgeOf(page, now))
    tracked.made = { from, due }
    this.#queue.addAfter(text, due - clock.now())
  }

  /** A round that changed nothing that readers see makes no page. */
  #madeFrom(page: Stored<'StatusPage'>, isFirst: boolean): string {
    const { spec, metadata } = page
    const probes = spec.components.map(({ probeRef }) => {
      const probe = this.#options.cluster.get('SipProbe', { namespace: metadata.namespace, name: probeRef.name })
      const { health, healthSince, lastExecution } = probe?.status ?? {}
      const setupTime = spec.showLatency ? lastExecution?.metrics.setupTime : undefined
      return [probe !== undefined, health, healthSince, setupTime, probe?.spec.maintenance]
    })
    return JSON.stringify([metadata.uid, metadata.generation, this.#base(), isFirst, probes])
  }

  /** Of two pages with one slug the first by name is served. */
  #isFirst(page: Stored<'StatusPage'>): boolean {
    return !this.#options.cluster
      .list('StatusPage')
      .some((other) => addressOf(other) === addressOf(page) && other.metadata.name < page.metadata.name)
  }

  #forget(text: string): void {
    const tracked = this.#tracked.get(text)
    this.#tracked.delete(text)
    if (tracked) this.#withdraw(text, tracked)
  }

  /** Another page may have taken the address meanwhile. */
  #withdraw(text: string, tracked: Tracked): void {
    if (tracked.address === undefined) return
    if (this.#served.get(tracked.address)?.owner === text) this.#served.delete(tracked.address)
    delete tracked.address
  }

  #base(): string {
    const { publicUrl } = this.#options
    if (publicUrl !== undefined) return publicUrl.replace(/\/$/, '')
    const bound: AddressInfo | string | null = this.server.server.address()
    return typeof bound === 'object' && bound
      ? `http://${formatAddress({ host: bound.address, port: bound.port })}`
      : ''
  }
}

/** When an announced maintenance begins or ends next. */
function nextEdgeOf({ spec }: Stored<'StatusPage'>, now: number): number {
  const edges = spec.maintenance.flatMap(({ start, end }) => [Date.parse(start), Date.parse(end)])
  return Math.min(Infinity, ...edges.filter((edge) => edge > now))
}
