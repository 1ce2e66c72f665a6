import { expect, test } from 'vitest'
import { ALONE, by, Histograms, Numbers, textOf } from './series.ts'
import type { SeriesFamily } from './series.ts'

const text = (family: SeriesFamily) => [...textOf([family])].join('')

test('a counter begins at 0 for each of its members, and counts from there', () => {
  const failures = new Numbers('counter', {
    name: 'failures_total',
    help: 'Failed.',
    members: by('class', ['Busy', 'Dns']),
  })
  failures.add('probe="a"', 'Busy', 2)
  failures.begin('probe="a"')
  failures.begin('probe="b"')
  failures.add('probe="b"', 'Dns', 1)
  expect(text(failures)).toBe(`# HELP failures_total Failed.
# TYPE failures_total counter
failures_total{probe="a",class="Busy"} 2
failures_total{probe="a",class="Dns"} 0
failures_total{probe="b",class="Busy"} 0
failures_total{probe="b",class="Dns"} 1
`)
})

test('a gauge that was not set, or was removed, is absent', () => {
  const lag = new Numbers('gauge', { name: 'lag_seconds', help: 'Lag.', members: ALONE })
  lag.set('probe="a"', '', 0.5)
  lag.set('probe="b"', '', 1)
  lag.remove('probe="b"', '')
  lag.remove('probe="c"', '')
  lag.set('probe="d"', '', 2)
  lag.forget('probe="d"')
  expect(text(lag)).toBe('# HELP lag_seconds Lag.\n# TYPE lag_seconds gauge\nlag_seconds{probe="a"} 0.5\n')
})

test('a histogram counts up to each bound', () => {
  const took = new Histograms({ name: 'took_seconds', help: 'Took.', bounds: [1, 2] })
  for (const value of [0.5, 1, 1.5, 9]) took.observe('probe="a"', value)
  expect(text(took)).toBe(`# HELP took_seconds Took.
# TYPE took_seconds histogram
took_seconds_bucket{probe="a",le="1"} 2
took_seconds_bucket{probe="a",le="2"} 3
took_seconds_bucket{probe="a",le="+Inf"} 4
took_seconds_sum{probe="a"} 12
took_seconds_count{probe="a"} 4
`)
})

test('of many subjects the text comes in small pieces', () => {
  const gauge = new Numbers('gauge', { name: 'one', help: 'One.', members: ALONE })
  for (let index = 0; index < 200_000; index++) gauge.set(`probe="${index}"`, '', index)
  const pieces = [...textOf([gauge])]
  expect(pieces.length).toBeGreaterThan(3)
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(1_050_000)
  expect(pieces.join('').trimEnd().split('\n')).toHaveLength(200_002)
})
