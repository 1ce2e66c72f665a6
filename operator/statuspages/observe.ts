/** What is known of the probes behind a page's components, from the cluster and from history. */
import type { StatusPageSpec } from '../../crds/index.ts'
import type { Cluster, Stored } from '../cluster/cluster.ts'
import type { History } from '../history/index.ts'
import { calendarDays } from './days.ts'
import type { Day } from './days.ts'
import type { Observed } from './status.ts'
import { percentOf, uptime } from './uptime.ts'
import type { UptimeQuestion } from './uptime.ts'
import { intervals, isOpen, joined } from './windows.ts'
import type { Interval, Window } from './windows.ts'

export interface ObserveOptions {
  cluster: Pick<Cluster, 'get'>
  history: Pick<History, 'states'>
}

/** `uptime90d` of the status is over these, whatever the page shows. */
const UPTIME_DAYS = 90

/** Looks at one page's probes. One instance a page: it remembers the spelled-out windows of a day. */
export class Observer {
  readonly #options: ObserveOptions
  /** Windows as text -> when they are open in the days that are looked at. Cleared with the day. */
  readonly #windows = new Map<string, readonly Interval[]>()
  #today = Number.NaN

  constructor(options: ObserveOptions) {
    this.#options = options
  }

  /** One for each component, in its order. `nextEdge`: when a maintenance of a probe begins or ends next. */
  async observe(page: Stored<'StatusPage'>, now: number): Promise<{ observed: Observed[]; nextEdge: number }> {
    const days = calendarDays(page.spec.timeZone, now, Math.max(page.spec.days, UPTIME_DAYS))
    const today = days.at(-1)?.start ?? now
    if (today !== this.#today) this.#windows.clear()
    this.#today = today
    const observed: Observed[] = []
    let nextEdge = days.at(-1)?.end ?? Infinity
    for (const component of page.spec.components) {
      const key = { namespace: page.metadata.namespace, name: component.probeRef.name }
      const probe = this.#options.cluster.get('SipProbe', key)
      const own = this.#open(probe?.spec.maintenance ?? [], days)
      for (const { start, end } of own) nextEdge = Math.min(nextEdge, ...[start, end].filter((edge) => edge > now))
      const announced = page.spec.maintenance.filter(
        ({ components }) => components.length === 0 || components.includes(component.name),
      )
      const maintenance = joined([...own, ...announced.map(intervalOf)])
      const states = await this.#options.history.states(key, days[0]?.start ?? now, now)
      observed.push(observedOf({ probe, maintained: isOpen(own, now), states, maintenance, days, now }))
    }
    return { observed, nextEdge }
  }

  #open(windows: readonly Window[], days: readonly Day[]): readonly Interval[] {
    if (windows.length === 0) return []
    const text = JSON.stringify(windows)
    const known = this.#windows.get(text)
    if (known) return known
    const found = intervals(windows, { from: days[0]?.start ?? 0, to: days.at(-1)?.end ?? 0 })
    this.#windows.set(text, found)
    return found
  }
}

const intervalOf = ({ start, end }: StatusPageSpec['maintenance'][number]): Interval => ({
  start: Date.parse(start),
  end: Date.parse(end),
})

interface Found extends UptimeQuestion {
  probe: Stored<'SipProbe'> | undefined
  maintained: boolean
}

function observedOf({ probe, maintained, ...question }: Found): Observed {
  const status = probe?.status
  const measured = uptime(question)
  const days = measured.days.slice(-UPTIME_DAYS)
  const uptime90d = percentOf({
    up: days.reduce((sum, { up }) => sum + up, 0),
    down: days.reduce((sum, { down }) => sum + down, 0),
  })
  const setupTime = status?.lastExecution?.metrics.setupTime
  return {
    health: probe && (status?.health ?? 'Unknown'),
    maintained,
    uptime: measured,
    ...(status?.healthSince !== undefined && { since: Date.parse(status.healthSince) }),
    ...(uptime90d !== undefined && { uptime90d }),
    ...(setupTime !== undefined && { setupTime }),
  }
}
