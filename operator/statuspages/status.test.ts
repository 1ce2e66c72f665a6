import { describe, expect, test } from 'vitest'
import type { Health } from '../../crds/index.ts'
import { parseDocuments } from '../../crds/index.ts'
import type { Stored } from '../cluster/cluster.ts'
import { pageModel } from './model.ts'
import { pageStatus } from './status.ts'
import type { Observed } from './status.ts'
import { uptime } from './uptime.ts'

const now = Date.parse('2026-05-10T12:00:00Z')
const at = (text: string) => Date.parse(text)
const URL = 'http://127.0.0.1:8081/status/default/page'

/** A page over the probes `a`, `b` and `c`, shown as the components A, B and C. */
function page(more = ''): Stored<'StatusPage'> {
  const text = `apiVersion: ringcheck.dev/v1alpha1
kind: StatusPage
metadata: { name: page }
spec:
  title: Telephony
  components:
    - { name: A, group: Calls, probeRef: { name: a } }
    - { name: B, probeRef: { name: b } }
    - { name: C, group: Calls, probeRef: { name: c } }
${more}`
  const [parsed] = parseDocuments(text, 'page.yaml').resources
  if (parsed?.resource.kind !== 'StatusPage') throw new Error('not a page')
  return { ...parsed.resource, metadata: { ...parsed.resource.metadata, uid: 'uid-1', generation: 2 } }
}

function observed(health: Health | undefined, more: Partial<Observed> = {}): Observed {
  const day = { date: '2026-05-10', start: at('2026-05-10T00:00:00Z'), end: at('2026-05-11T00:00:00Z') }
  const states = [{ at: day.start, health: health ?? 'Unknown' }]
  return { health, maintained: false, uptime: uptime({ states, maintenance: [], days: [day], now }), ...more }
}

const three = (a: Health | undefined, b: Health | undefined, c: Health | undefined) =>
  [a, b, c].map((one) => observed(one))
const statusOf = (subject: Stored<'StatusPage'>, seen: readonly Observed[]) =>
  pageStatus({ page: subject, observed: seen, url: URL, now })
const warnings = (more: string, seen: readonly Observed[]) => statusOf(page(more), seen).warnings

describe('state', () => {
  test('Healthy, Degraded, Unhealthy and Unknown in the words of a page; the worst is the overall one', () => {
    const states = (...seen: [Health, Health, Health]) => {
      const { overall, components } = statusOf(page(), three(...seen))
      return [overall, components?.map(({ state }) => state)]
    }
    expect(states('Healthy', 'Healthy', 'Healthy')).toEqual(['Operational', Array(3).fill('Operational')])
    expect(states('Healthy', 'Unknown', 'Healthy')[0]).toBe('UnderMaintenance')
    expect(states('Healthy', 'Unknown', 'Degraded')).toEqual([
      'DegradedPerformance',
      ['Operational', 'UnderMaintenance', 'DegradedPerformance'],
    ])
    expect(states('Unhealthy', 'Unknown', 'Degraded')[0]).toBe('MajorOutage')
  })

  test('a page without components says nothing overall', () => {
    const empty = { ...page(), spec: { ...page().spec, components: [] } }
    expect(statusOf(empty, []).overall).toBeUndefined()
  })

  test('maintenance hides an outage while it runs: announced for all, for some, or of the probe', () => {
    const announced = (components: string, start = '2026-05-10T11:00:00Z') => `  maintenance:
    - { id: work, title: Work, start: '${start}', end: '2026-05-10T13:00:00Z', components: ${components} }\n`
    const states = (more: string, seen = three('Unhealthy', 'Unhealthy', 'Healthy')) =>
      statusOf(page(more), seen).components?.map(({ state }) => state)
    expect(states(announced('[]'))).toEqual(Array(3).fill('UnderMaintenance'))
    expect(states(announced('[A]'))).toEqual(['UnderMaintenance', 'MajorOutage', 'Operational'])
    expect(states(announced('[A]', '2026-05-10T12:00:01Z'))).toEqual(['MajorOutage', 'MajorOutage', 'Operational'])
    expect(
      states('', [observed('Unhealthy', { maintained: true }), ...three('Healthy', 'Healthy', 'Healthy')]),
    ).toEqual(['UnderMaintenance', 'Operational', 'Operational'])
  })

  test('uptime and address are told; a slug that is taken is not served', () => {
    const seen = [observed('Healthy', { uptime90d: 99.5 }), ...three('Healthy', 'Healthy', 'Healthy')]
    const status = statusOf(page(), seen)
    expect(status).toMatchObject({ url: URL, observedGeneration: 2, components: [{ uptime90d: 99.5 }, {}, {}] })
    expect(status.conditions).toMatchObject([{ type: 'Ready', status: 'True', reason: 'Published' }])
    const taken = pageStatus({ page: page(), observed: seen, now })
    expect(taken.url).toBeUndefined()
    expect(taken.conditions).toMatchObject([{ status: 'False', reason: 'SlugConflict' }])
  })

  test('a component without a probe is named to the owner, and is no outage', () => {
    const status = statusOf(page(), three('Healthy', undefined, 'Healthy'))
    expect(status.components?.[1]).toMatchObject({ name: 'B', state: 'UnderMaintenance' })
    expect(status.conditions).toMatchObject([
      { status: 'False', reason: 'ProbeMissing', message: 'There is no probe for: B (b).' },
    ])
  })

  test('a condition that stays keeps its time', () => {
    const first = statusOf(page(), three('Healthy', 'Healthy', 'Healthy'))
    const later = pageStatus({
      page: { ...page(), status: first },
      observed: three('Unhealthy', 'Healthy', 'Healthy'),
      url: URL,
      now: now + 60_000,
    })
    expect(later.conditions?.[0]?.lastTransitionTime).toBe(new Date(now).toISOString())
  })
})

describe('warnings', () => {
  const incident = (status: string, components: string) => `  incidents:
    - id: trunk
      title: Calls fail
      components: ${components}
      updates:
        - { at: '2026-05-10T10:00:00Z', status: ${status}, message: Last }
        - { at: '2026-05-10T09:00:00Z', status: Investigating, message: First }\n`

  test('a component is down and no open incident tells of it', () => {
    const down = three('Unhealthy', 'Healthy', 'Degraded')
    const warning = 'The component A is in Major Outage, and no open incident tells of it.'
    expect(warnings('', down)).toEqual([warning])
    expect(warnings(incident('Resolved', '[A]'), down)).toEqual([warning])
    expect(warnings(incident('Monitoring', '[B, A]'), down)).toEqual([])
    expect(warnings(incident('Monitoring', '[]'), down)).toEqual([])
  })

  test('an incident is open while everything that it concerns works', () => {
    const warning = 'The incident trunk is open, and every component that it concerns is Operational.'
    expect(warnings(incident('Monitoring', '[A]'), three('Healthy', 'Degraded', 'Healthy'))).toEqual([warning])
    expect(warnings(incident('Monitoring', '[]'), three('Healthy', 'Degraded', 'Healthy'))).toEqual([])
    expect(warnings(incident('Resolved', '[A]'), three('Healthy', 'Healthy', 'Healthy'))).toEqual([])
  })

  test('a maintenance is overdue when what went down before its end has not come back', () => {
    const maintenance = `  maintenance:
    - { id: work, title: Work, start: '2026-05-10T08:00:00Z', end: '2026-05-10T10:00:00Z', components: [A] }
${incident('Monitoring', '[A]')}`
    const since = (text: string) => [
      observed('Unhealthy', { since: at(text) }),
      ...three('Healthy', 'Healthy', 'Healthy'),
    ]
    expect(warnings(maintenance, since('2026-05-10T09:00:00Z'))).toEqual([
      'The maintenance work ended at 2026-05-10T10:00:00Z, and A has not come back since.',
    ])
    expect(warnings(maintenance, since('2026-05-10T11:00:00Z'))).toEqual([])
  })

  test('a component that the page does not have is named', () => {
    expect(warnings(incident('Resolved', '[Z]'), three('Healthy', 'Healthy', 'Healthy'))).toEqual([
      'trunk names the component Z, which this page does not have.',
    ])
  })
})

describe('what readers see', () => {
  const model = (more = '', seen = three('Healthy', 'Unhealthy', 'Degraded')) =>
    pageModel({ page: page(more), observed: seen, url: URL, now })

  test('components stand in their groups, in the order of the spec, and no probe is named', () => {
    const { groups, overall } = model()
    expect(groups.map(({ name, components }) => [name, components.map((each) => each.name)])).toEqual([
      ['Calls', ['A', 'C']],
      [undefined, ['B']],
    ])
    expect(overall).toBe('MajorOutage')
    expect(JSON.stringify(groups)).not.toContain('probe')
  })

  test('uptime and setup time only where the page wants them', () => {
    const seen = [observed('Healthy', { setupTime: 120 }), ...three('Healthy', 'Healthy', 'Healthy')]
    expect(model('', seen).groups[0]?.components[0]).toMatchObject({ percent: 100 })
    expect(model('', seen).groups[0]?.components[0]).not.toHaveProperty('setupTime')
    const other = model('  showUptime: false\n  showLatency: true\n', seen).groups[0]?.components[0]
    expect(other).toMatchObject({ setupTime: 120 })
    expect(other).not.toHaveProperty('percent')
  })

  test('open incidents first, resolved ones within the days shown, maintenance as it stands', () => {
    const update = (id: string, status: string, day: string) =>
      `    - { id: ${id}, title: T, updates: [{ at: '2026-${day}T00:00:00Z', status: ${status}, message: M }] }\n`
    const work = (id: string, start: string, end: string) =>
      `    - { id: ${id}, title: T, start: '2026-05-${start}', end: '2026-05-${end}' }\n`
    const found = model(
      `  days: 30\n  incidents:\n${update('open', 'Investigating', '01-01')}${update('done', 'Resolved', '05-01')}${update('old', 'Resolved', '04-01')}  maintenance:\n${work('later', '20T00:00:00Z', '20T01:00:00Z')}${work('next', '12T00:00:00Z', '12T01:00:00Z')}${work('now', '10T11:00:00Z', '10T13:00:00Z')}${work('past', '10T01:00:00Z', '10T02:00:00Z')}`,
    )
    const ids = (list: ReadonlyArray<{ id: string }>) => list.map(({ id }) => id)
    expect([ids(found.incidents), ids(found.resolved)]).toEqual([['open'], ['done']])
    expect([ids(found.running), ids(found.upcoming)]).toEqual([['now'], ['next', 'later']])
  })
})
