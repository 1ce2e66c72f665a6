import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Health } from '../crds/index.ts'
import { parseDocuments } from '../crds/index.ts'
import type { Cluster, Stored } from '../operator/cluster/cluster.ts'
import { execution, probe as identity } from '../operator/history/test-entries.ts'
import { serving } from './api.fixture.ts'
import { run } from './terminal.fixture.ts'

let stack: AsyncDisposableStack
beforeEach(() => {
  stack = new AsyncDisposableStack()
})
afterEach(() => stack.disposeAsync())

const manifest = `apiVersion: ringcheck.dev/v1alpha1
kind: SipProbe
metadata: { name: ${identity.name} }
spec: { registrarRef: { name: pbx }, target: 'sip:echo@127.0.0.1' }
`

/** A cluster with the one probe. */
function cluster(): Pick<Cluster, 'list' | 'get' | 'problems'> {
  const { resources } = parseDocuments(manifest, 'probe.yaml')
  const stored = resources.flatMap(({ resource }): Stored[] =>
    'spec' in resource ? [{ ...resource, metadata: { ...resource.metadata, uid: identity.uid, generation: 1 } }] : [],
  )
  const isOf =
    <K extends Stored['kind']>(kind: K, wanted: string) =>
    (each: Stored): each is Stored<K> =>
      each.kind === kind && each.metadata.name === wanted
  return { list: () => [], get: (kind, { name }) => stored.find(isOf(kind, name)), problems: () => [] }
}

/** The result of an execution is stored while somebody waits for it. */
async function runs(level: Health | undefined) {
  const { level: _, ...stopped } = execution('run-1')
  const result = level === undefined ? stopped : { ...stopped, level }
  const { history, url } = await serving(stack, {
    cluster: cluster(),
    async runNow() {
      void history.record({ probe: identity, executions: [result], deliveries: [] })
      return { executionId: 'run-1' }
    },
  })
  return run('probe', 'run', identity.name, '--url', url)
}

test.each([
  ['Healthy', 0],
  ['Unhealthy', 1],
  ['Unknown', 2],
  [undefined, 2],
  ['Degraded', 4],
] as const)('an execution that is %s ends with exit code %i', async (level, code) => {
  expect(await runs(level)).toEqual({
    code,
    out: `${level ?? 'Unknown'}: ThresholdBreached. packetLoss 4 % reached 3 %\n`,
    err: 'switchboard executes: run-1\n',
  })
})

test('what cannot be done is said', async () => {
  const { url } = await serving(stack, { cluster: cluster(), runNow: async () => undefined })
  const cannot = await run('probe', 'run', identity.name, '--url', url)
  expect(cannot).toMatchObject({ code: 3, err: expect.stringContaining('(CannotRun)') })
  const nobody = await run('probe', 'run', 'nobody', '--url', url)
  expect(nobody).toMatchObject({ code: 3, err: expect.stringContaining('(ResourceNotFound)') })
  const stop = await run('probe', 'stop', 'x', '--url', url)
  expect(stop).toMatchObject({ code: 3, err: expect.stringContaining('there is no stop of a probe; there is: run') })
  const patience = await run('probe', 'run', 'x', '--timeout', 'long', '--url', url)
  expect(patience).toMatchObject({ code: 3, err: expect.stringContaining('--timeout long: must be a duration') })
})

test('a result that does not come is waited for no longer than it was said', async () => {
  const { url } = await serving(stack, { cluster: cluster(), runNow: async () => ({ executionId: 'run-1' }) })
  const late = await run('probe', 'run', identity.name, '--timeout', '1ms', '--url', url)
  expect(late).toMatchObject({ code: 3, err: expect.stringContaining('run-1 has no result yet') })
})
