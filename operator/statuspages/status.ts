/** The `.status` of a StatusPage from what its probes found. Pure; what readers see is made in `model.ts`. */
import type { Condition, Health, StatusPageSpec, StatusPageStatus } from '../../crds/index.ts'
import type { Stored } from '../cluster/cluster.ts'
import { condition } from '../cluster/condition.ts'
import type { Uptime } from './uptime.ts'

export type ComponentState = NonNullable<StatusPageStatus['overall']>
export type Incident = StatusPageSpec['incidents'][number]
export type Maintenance = StatusPageSpec['maintenance'][number]

/** What is known of the probe behind a component. */
export interface Observed {
  /** Undefined: there is no such probe. */
  health: Health | undefined
  /** Since when it is so, milliseconds since 1970. */
  since?: number
  /** A maintenance window of the probe itself is open. */
  maintained: boolean
  /** Of the last 90 days or of the days that the page shows, whichever are more. */
  uptime: Uptime
  /** Of the last 90 days, 0 to 100. */
  uptime90d?: number
  /** Of the last execution, milliseconds. */
  setupTime?: number
}

export interface PageQuestion {
  page: Stored<'StatusPage'>
  /** One for each component of the spec, in its order. */
  observed: readonly Observed[]
  /** Absent: another page of the project has the same slug and came first. */
  url?: string
  now: number
}

const STATES: Readonly<Record<Health, ComponentState>> = {
  Healthy: 'Operational',
  Degraded: 'DegradedPerformance',
  Unhealthy: 'MajorOutage',
  Unknown: 'UnderMaintenance',
}

const WORST_FIRST: readonly ComponentState[] = ['MajorOutage', 'DegradedPerformance', 'UnderMaintenance', 'Operational']

/** The state of each component, in the order of the spec. */
export function componentStates({ page, observed, now }: PageQuestion): readonly ComponentState[] {
  return page.spec.components.map(({ name }, index) => {
    const { health, maintained } = observed[index] ?? { health: undefined, maintained: false }
    const announced = page.spec.maintenance.some((each) => isRunning(each, now) && concerns(each, name))
    return maintained || announced ? 'UnderMaintenance' : STATES[health ?? 'Unknown']
  })
}

/** The worst of them; undefined: there are none. */
export const overallState = (states: readonly ComponentState[]): ComponentState | undefined =>
  WORST_FIRST.find((state) => states.includes(state))

/** One that names no component is about all of them. */
export const concerns = ({ components }: { components: readonly string[] }, name: string): boolean =>
  components.length === 0 || components.includes(name)

export const isRunning = ({ start, end }: Maintenance, now: number): boolean =>
  Date.parse(start) <= now && now < Date.parse(end)

/** Newest first; the spec may have them in any order. */
export const updatesOf = ({ updates }: Incident): Incident['updates'] =>
  updates.toSorted((left, right) => Date.parse(right.at) - Date.parse(left.at))

export const isOpenIncident = (incident: Incident): boolean => updatesOf(incident)[0]?.status !== 'Resolved'

/** Bounds of the schema. */
const MOST_WARNINGS = 100
const LONGEST_WARNING = 500

export function pageStatus(question: PageQuestion): StatusPageStatus {
  const { page, observed, url } = question
  const states = componentStates(question)
  const overall = overallState(states)
  const components = page.spec.components.map(({ name }, index) => {
    const uptime90d = observed[index]?.uptime90d
    return { name, state: states[index] ?? 'UnderMaintenance', ...(uptime90d !== undefined && { uptime90d }) }
  })
  return {
    observedGeneration: page.metadata.generation,
    ...(url !== undefined && { url }),
    ...(overall && { overall }),
    components,
    warnings: warnings(question, states)
      .slice(0, MOST_WARNINGS)
      .map((text) => text.slice(0, LONGEST_WARNING)),
    conditions: [ready(question)],
  }
}

/** What the page's owner should look at: the page and what was measured do not agree. */
function warnings({ page, observed, now }: PageQuestion, states: readonly ComponentState[]): readonly string[] {
  const { components, incidents, maintenance } = page.spec
  const open = incidents.filter(isOpenIncident)
  const stateOf = (name: string) => states[components.findIndex((component) => component.name === name)]
  const concerned = (about: { components: readonly string[] }) =>
    components.map(({ name }) => name).filter((name) => concerns(about, name))

  const untold = components
    .filter(({ name }) => stateOf(name) === 'MajorOutage' && !open.some((incident) => concerns(incident, name)))
    .map(({ name }) => `The component ${name} is in Major Outage, and no open incident tells of it.`)
  const stale = open
    .filter((incident) => concerned(incident).every((name) => stateOf(name) === 'Operational'))
    .map(({ id }) => `The incident ${id} is open, and every component that it concerns is Operational.`)
  const overdue = maintenance.flatMap((each) => {
    const end = Date.parse(each.end)
    const late = concerned(each).filter((name) => {
      const { health, since = Infinity } = observed[components.findIndex((one) => one.name === name)] ?? {}
      return now >= end && since < end && (health === 'Unhealthy' || health === 'Unknown')
    })
    return late.map((name) => `The maintenance ${each.id} ended at ${each.end}, and ${name} has not come back since.`)
  })
  const unknown = [...incidents, ...maintenance].flatMap(({ id, components: named }) =>
    named
      .filter((name) => stateOf(name) === undefined)
      .map((name) => `${id} names the component ${name}, which this page does not have.`),
  )
  return [...untold, ...stale, ...overdue, ...unknown]
}

function ready({ page, observed, url, now }: PageQuestion): Condition {
  const missing = page.spec.components.filter((_, index) => observed[index]?.health === undefined)
  const names = missing.map(({ name, probeRef }) => `${name} (${probeRef.name})`).join(', ')
  const next: Pick<Condition, 'status' | 'reason' | 'message'> =
    url === undefined
      ? { status: 'False', reason: 'SlugConflict', message: 'Another page of this project has the same slug.' }
      : missing.length > 0
        ? { status: 'False', reason: 'ProbeMissing', message: `There is no probe for: ${names}.` }
        : { status: 'True', reason: 'Published', message: 'The page is served, and every component has its probe.' }
  return condition(
    { type: 'Ready', ...next },
    { before: page.status?.conditions, generation: page.metadata.generation, now },
  )
}
