/** The alerts by promtool: whether Prometheus takes them, and whether each fires for its fault. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { commandPath } from '../lab/requirements.ts'

const root = join(import.meta.dirname, '../..')
const folder = join(root, 'config/alerts')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const promtool = (...words: string[]) => promisify(execFile)(commandPath('promtool'), words, { cwd: folder })

const Rules = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({ alert: z.string().optional(), record: z.string().optional(), expr: z.string() }).loose(),
      ),
    }),
  ),
})
const Tests = z.object({
  tests: z.array(
    z.object({
      alert_rule_test: z.array(z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()) }).loose()),
    }),
  ),
})

const rules = Rules.parse(parse(read('config/alerts/rules.yaml'))).groups.flatMap((group) => group.rules)
const alerts = rules.flatMap(({ alert }) => alert ?? [])

test('Prometheus takes the rules, and lints nothing', async () => {
  await expect(promtool('check', 'rules', '--lint-fatal', 'rules.yaml')).resolves.toBeDefined()
})

test('every alert fires for its fault and stays silent otherwise', async () => {
  await expect(promtool('test', 'rules', 'tests.yaml')).resolves.toMatchObject({
    stdout: expect.stringContaining('SUCCESS'),
  })
  const expectations = Tests.parse(parse(read('config/alerts/tests.yaml'))).tests.flatMap(
    ({ alert_rule_test }) => alert_rule_test,
  )
  const named = (firing: boolean) =>
    new Set(expectations.flatMap(({ alertname, exp_alerts }) => (exp_alerts.length > 0 === firing ? alertname : [])))
  expect([...named(true)].toSorted()).toEqual(alerts.toSorted())
  expect(alerts.filter((alert) => !named(false).has(alert))).toEqual([])
})

test('no rule asks for a series that nobody exports', () => {
  const reference = read('docs/reference/metrics.md')
  const asked = rules.flatMap(({ expr }) => expr.match(/(?<![\w:])(?:ringcheck|probe)_\w+(?!\w*:)/g) ?? [])
  expect(asked.length).toBeGreaterThan(10)
  expect(asked.filter((series) => !reference.includes(`| \`${series}\` |`))).toEqual([])
})
