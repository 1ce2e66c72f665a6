/** All that readers of a status page may see, as values: the page and its JSON twin are made from this alone. No probe is named in it. */
import type { StatusPageSpec } from '../../crds/index.ts'
import { componentStates, isOpenIncident, isRunning, overallState, updatesOf } from './status.ts'
import type { ComponentState, Incident, Maintenance, PageQuestion } from './status.ts'
import { percentOf } from './uptime.ts'
import type { DayTally } from './uptime.ts'

/** What a day's bar says. `None`: nothing was measured. */
export type DayState = ComponentState | 'None'

export interface DayModel extends DayTally {
  state: DayState
  /** 0 to 100; absent: there was no second that counts. */
  percent?: number
}

export interface ComponentModel {
  name: string
  description?: string
  state: ComponentState
  /** Oldest first. */
  days: readonly DayModel[]
  /** 0 to 100 over these days. Absent: not shown, or nothing to compute it from. */
  percent?: number
  /** Setup time of the last call, milliseconds. Absent: not shown, or not measured. */
  setupTime?: number
}

export interface GroupModel {
  /** Absent: components without a group. */
  name?: string
  components: readonly ComponentModel[]
}

export interface PageModel {
  title: string
  description?: string
  url: string
  timeZone: string
  /** When this was computed, milliseconds since 1970. */
  updatedAt: number
  /** Absent: the page has no component. */
  overall?: ComponentState
  groups: readonly GroupModel[]
  /** Open ones, the newest first. Their updates too. */
  incidents: readonly Incident[]
  running: readonly Maintenance[]
  /** The soonest first. */
  upcoming: readonly Maintenance[]
  /** Resolved within the days shown, the newest first. */
  resolved: readonly Incident[]
  branding: StatusPageSpec['branding']
  links: StatusPageSpec['links']
}

export function pageModel(question: PageQuestion & { url: string }): PageModel {
  const { page, url, now } = question
  const { title, description, timeZone, incidents, maintenance, branding, links } = page.spec
  const states = componentStates(question)
  const overall = overallState(states)
  const told = incidents
    .map((incident) => ({ ...incident, updates: updatesOf(incident) }))
    .toSorted((left, right) => lastUpdate(right) - lastUpdate(left))
  const firstDay = now - page.spec.days * DAY
  return {
    title,
    ...(description !== undefined && { description }),
    url,
    timeZone,
    updatedAt: now,
    ...(overall && { overall }),
    groups: groups(question, states),
    incidents: told.filter(isOpenIncident),
    running: maintenance.filter((each) => isRunning(each, now)),
    upcoming: maintenance
      .filter(({ start }) => now < Date.parse(start))
      .toSorted((left, right) => Date.parse(left.start) - Date.parse(right.start)),
    resolved: told.filter((incident) => !isOpenIncident(incident) && lastUpdate(incident) >= firstDay),
    branding,
    links,
  }
}

const DAY = 86_400_000

const lastUpdate = ({ updates }: Incident): number => Date.parse(updates[0]?.at ?? '')

/** In the order in which the spec names them first. */
function groups({ page, observed }: PageQuestion, states: readonly ComponentState[]): readonly GroupModel[] {
  const { days, showUptime, showLatency } = page.spec
  const found = new Map<string | undefined, ComponentModel[]>()
  for (const [index, { name, description, group }] of page.spec.components.entries()) {
    const { uptime, setupTime } = observed[index] ?? {}
    const shown = (uptime?.days ?? []).slice(-days).map(dayModel)
    const percent = showUptime ? percentOf(total(shown)) : undefined
    const component: ComponentModel = {
      name,
      ...(description !== undefined && { description }),
      state: states[index] ?? 'UnderMaintenance',
      days: shown,
      ...(percent !== undefined && { percent }),
      ...(showLatency && setupTime !== undefined && { setupTime }),
    }
    found.set(group, [...(found.get(group) ?? []), component])
  }
  return [...found].map(([name, components]) => ({ ...(name !== undefined && { name }), components }))
}

function dayModel(day: DayTally): DayModel {
  const percent = percentOf(day)
  return { ...day, state: dayState(day), ...(percent !== undefined && { percent }) }
}

/** The worst thing of the day, however short it was; the minutes say how short. */
function dayState({ up, down, degraded, maintenance }: DayTally): DayState {
  if (down > 0) return 'MajorOutage'
  if (degraded > 0) return 'DegradedPerformance'
  if (up > 0) return 'Operational'
  return maintenance > 0 ? 'UnderMaintenance' : 'None'
}

const total = (days: readonly DayTally[]) => ({
  up: days.reduce((sum, { up }) => sum + up, 0),
  down: days.reduce((sum, { down }) => sum + down, 0),
})
