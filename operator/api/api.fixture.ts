/** The real API over a real store, with what tests of it look at: it decides nothing. */
import { expect, onTestFinished } from 'vitest'
import { parseDocuments } from '../../crds/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { seededRandom } from '../../lib/random.ts'
import type { Cluster, Stored } from '../cluster/cluster.ts'
import { openHistory } from '../history/index.ts'
import { delivery, execution, probe as identity, transition } from '../history/test-entries.ts'
import { createApi } from './index.ts'
import type { ApiOptions } from './index.ts'

export const LOCAL = { host: '127.0.0.1:8080' }
export const PROBES = '/api/v1/projects/default/probes'

const manifests = `apiVersion: ringcheck.dev/v1alpha1
kind: SipProbe
metadata:
  name: switchboard
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"url":"https://hooks.example.com/secret-path"}'
    owner: voice
spec:
  registrarRef: { name: pbx }
  target: sip:echo@127.0.0.1
  webhooks: [{ name: chat, url: 'https://hooks.example.com/secret-path', secretRef: { name: chat, key: secret } }]
---
apiVersion: ringcheck.dev/v1alpha1
kind: SipProbe
metadata: { name: attendant }
spec: { registrarRef: { name: pbx }, target: 'sip:ivr@127.0.0.1' }
---
apiVersion: ringcheck.dev/v1alpha1
kind: SipRegistrar
metadata: { name: pbx, namespace: other }
spec: { domain: 127.0.0.1, register: false }
`

/** The resources as a cluster would hold them. */
export function cluster(): Pick<Cluster, 'list' | 'get' | 'problems'> {
  const { resources, problems } = parseDocuments(manifests, 'all.yaml')
  expect(problems).toEqual([])
  const stored = resources.flatMap(({ resource }): Stored[] =>
    'spec' in resource ? [{ ...resource, metadata: { ...resource.metadata, uid: 'uid-1', generation: 1 } }] : [],
  )
  const isOf =
    <K extends Stored['kind']>(kind: K) =>
    (each: Stored): each is Stored<K> =>
      each.kind === kind
  return {
    list: (kind) => stored.filter(isOf(kind)),
    get: (kind, { namespace, name }) =>
      stored.filter(isOf(kind)).find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
    problems: () => [{ file: 'a.yaml', line: 3, column: 1, field: 'spec.target', message: 'required, but missing' }],
  }
}

export async function started(options: Partial<ApiOptions> = {}) {
  const history = await openHistory({ file: ':memory:', clock: systemClock })
  onTestFinished(() => history[Symbol.asyncDispose]())
  await history.record({
    probe: identity,
    executions: [1, 2, 3].map((number) => execution(`run-${number}`, { slot: 1_767_225_600_000 + number * 60_000 })),
    transition: transition(1, 'Unknown', 'Degraded'),
    deliveries: [delivery(1, 'Degraded')],
  })
  const lines: string[] = []
  const started: string[] = []
  const api = createApi({
    world: {
      cluster: cluster(),
      history,
      runNow: async ({ name }) => {
        started.push(name)
        return name === 'switchboard' ? { executionId: 'run-4' } : undefined
      },
      replay: (id) => history.outbox.replay(id, 0),
      renderLadder: ({ messages }) => `${messages.length} message\n`,
      renderPcap: ({ messages }) => Buffer.from([messages.length]),
      mask: (url) => `${new URL(url).origin}/***`,
    },
    clock: systemClock,
    log: createLog({ name: 'test', level: 'debug', destination: { write: (line) => void lines.push(line) } }),
    random: seededRandom(1),
    host: '127.0.0.1',
    ...options,
  })
  onTestFinished(() => api.close())
  const get = (url: string, headers: Record<string, string> = LOCAL) => api.inject({ url, headers })
  return { api, get, lines, started, history }
}
