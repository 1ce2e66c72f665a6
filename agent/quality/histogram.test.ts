/** Quantiles of a histogram. */
import { expect, test } from 'vitest'
import { Histogram } from './histogram.ts'

test('gives the middle of the step that holds the rank, and the largest value beyond its range', () => {
  const histogram = new Histogram(0.5, 10)
  expect(histogram.quantile(0.5)).toBeUndefined()
  for (let value = 0; value < 100; value++) histogram.add(value < 95 ? 1.1 : 40 + value)
  expect(histogram.quantile(0.5)).toBe(1.25)
  expect(histogram.quantile(0.95)).toBe(1.25)
  expect(histogram.quantile(0.96)).toBe(139)
  const below = new Histogram(0.5, 10)
  below.add(-1)
  expect(below.quantile(0.99)).toBe(0)
})
