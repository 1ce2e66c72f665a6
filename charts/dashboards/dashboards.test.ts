import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { choicesOf, queriesOf, readDashboards } from '../../test/lab/dashboards.ts'

const reference = readFileSync(join(import.meta.dirname, '../../docs/reference/metrics.md'), 'utf8')
const OF_GRAFANA = ['datasource', '__rate_interval', '__range']

describe.each(readDashboards())('$title', (dashboard) => {
  const expressions = [
    ...queriesOf(dashboard).map(({ expr }) => expr),
    ...choicesOf(dashboard).map(({ series }) => series),
  ]

  test('asks for nothing that nobody exports', () => {
    const asked = expressions.flatMap((expr) => expr.match(/\b(?:ringcheck|probe)_\w+/g) ?? [])
    expect(asked.length).toBeGreaterThan(10)
    const series = asked.map((name) => name.replace(/_(bucket|sum|count)$/, ''))
    expect(series.filter((name) => !reference.includes(`| \`${name}\` |`))).toEqual([])
  })

  test('knows every variable that it uses, those of before first', () => {
    const choices = choicesOf(dashboard)
    const known = [...OF_GRAFANA, ...choices.map(({ name }) => name)]
    const used = (text: string) => [...text.matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name)
    expect(expressions.flatMap(used).filter((name) => !known.includes(name))).toEqual([])
    for (const [index, { series, label, name }] of choices.entries()) {
      expect(label).toBe(name)
      const before = choices.slice(0, index).map((each) => each.name)
      expect(used(series).filter((each) => !before.includes(each))).toEqual([])
    }
  })

  test('has panels that are beside each other, each with an id of its own', () => {
    const ids = dashboard.panels.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const cells = dashboard.panels.flatMap(({ gridPos: { h, w, x, y } }) => {
      expect(x + w).toBeLessThanOrEqual(24)
      return Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`)
    })
    expect(new Set(cells).size).toBe(cells.length)
  })
})

test('the link from all probes to one leads to a dashboard and its variables', () => {
  const [fleet, one] = ['ringcheck-fleet', 'ringcheck-probe'].map((uid) =>
    readDashboards().find((each) => each.uid === uid),
  )
  const [, uid, words = ''] = /"\/d\/([-\w]+)\?([^"]*)"/.exec(JSON.stringify(fleet)) ?? []
  expect(uid).toBe(one?.uid)
  const names = one ? choicesOf(one).map(({ name }) => name) : []
  const given = [...words.matchAll(/var-(\w+)=/g)].map(([, name]) => name)
  expect(given).toEqual(['namespace', 'probe'])
  expect(given.filter((name) => !names.includes(name ?? ''))).toEqual([])
})
