/** What Argo CD is told about our kinds, run by a real Lua over the data beside each script. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { kinds } from '../../crds/index.ts'
import { runLua } from '../lab/lua.ts'

const folder = join(import.meta.dirname, '../../config/argocd/ringcheck.dev')
const read = (path: string): string => readFileSync(join(folder, path), 'utf8')

const HealthTests = z.object({
  tests: z.array(
    z.object({
      inputPath: z.string(),
      healthStatus: z.object({
        status: z.enum(['Healthy', 'Progressing', 'Degraded', 'Suspended', 'Missing', 'Unknown']),
        message: z.string(),
      }),
    }),
  ),
})

const cases = globSync('*/*_test.yaml', { cwd: folder }).flatMap((path) =>
  HealthTests.parse(parse(read(path))).tests.map(({ inputPath, healthStatus }) => ({
    script: path.replace('_test.yaml', '.lua'),
    input: join(dirname(path), inputPath),
    healthStatus,
  })),
)

describe('health', () => {
  test.each(cases)('$script says $healthStatus.status for $input', async ({ script, input, healthStatus }) => {
    expect(await runLua(read(script), parse(read(input)))).toEqual(healthStatus)
  })

  test('every kind has its script, and every piece of data its test', () => {
    expect(globSync('*/health.lua', { cwd: folder }).map(dirname).toSorted()).toEqual(Object.keys(kinds).toSorted())
    const tested = new Set(cases.map(({ input }) => input))
    expect(globSync('*/testdata/*.yaml', { cwd: folder }).filter((path) => !tested.has(path))).toEqual([])
  })

  test('a dead trunk makes no application Degraded, unless that is chosen', async () => {
    const probe = parse(read('SipProbe/testdata/dead-trunk.yaml'))
    expect(probe.status.health).toBe('Unhealthy')
    expect(await runLua(read('SipProbe/health.lua'), probe)).toMatchObject({ status: 'Healthy' })
    expect(await runLua(read('SipProbe/health-of-target.lua'), probe)).toMatchObject({ status: 'Degraded' })
  })
})

describe('run-now', () => {
  const offered = (input: string) =>
    runLua(read('SipProbe/actions/discovery.lua'), parse(read(`SipProbe/testdata/${input}.yaml`)))

  test('is offered for a probe that is not suspended', async () => {
    expect(await offered('healthy')).toEqual({ 'run-now': { disabled: false } })
    expect(await offered('suspended')).toEqual({ 'run-now': { disabled: true } })
  })

  test('sets the annotation to the time, and changes nothing else', async () => {
    const probe = parse(read('SipProbe/testdata/healthy.yaml'))
    const told = await runLua(read('SipProbe/actions/run-now/action.lua'), probe)
    const annotations = { 'ringcheck.dev/run-now': expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) }
    expect(told).toEqual({ ...probe, metadata: { ...probe.metadata, annotations } })
  })
})
