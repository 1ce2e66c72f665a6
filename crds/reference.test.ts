/** The page of metrics: one whole row for each, in the words of the registry. That the page in docs is this one, schemas.test.ts holds. */
import { expect, test } from 'vitest'
import { metrics, runMetrics } from './metrics.ts'
import { metricsPage } from './reference.ts'

test('every metric of a call and of a run has one row, with what it cannot see and when it is absent', () => {
  const rows = metricsPage()
    .split('\n')
    .flatMap((line) => (/^\| `\w+`: /.test(line) ? [line.slice(2, -2).split(' | ')] : []))
  const all = Object.entries({ ...metrics, ...runMetrics })
  expect(rows.map(([name]) => name)).toEqual(all.map(([key, { title }]) => `\`${key}\`: ${title}`))
  for (const [index, [, { definition, unit, source, cannotSee, absentWhen }]] of all.entries()) {
    const [, ...cells] = rows[index] ?? []
    expect(cells).toEqual([definition, unit, cells[2], source, cannotSee, absentWhen])
    expect(cells.every((cell, column) => column === 2 || cell !== '')).toBe(true)
  }
})
