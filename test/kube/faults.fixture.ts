/** What tests of faults have in common: the responder that probes call, what is declared, and what the product says of it. It decides nothing. */
import { expect } from 'vitest'
import { startResponder } from '../../agent/respond/index.ts'
import type { Responder } from '../../agent/respond/index.ts'
import type { Condition } from '../../crds/index.ts'
import { sleep, systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import type { Cluster } from './cluster.ts'
import type { RunningOperator } from './ringcheck-operator.ts'

/** Milliseconds in which what was mended is noticed, also on a busy machine: an interval, a poll, and the call. */
const PATIENCE = 150_000
const PAUSE = 1_000

/** Looks again and again until nothing is thrown; at last throws that. Tests that run beside each other have no `expect.poll`. */
export async function eventually(look: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + PATIENCE
  while (performance.now() < deadline) {
    try {
      return await look()
    } catch {
      await sleep(systemClock, PAUSE)
    }
  }
  await look()
}

/** @param accounts user names; the password of `alice` is `pw-alice` */
export function callee(host: string, accounts: readonly string[] = [], record?: string): Promise<Responder> {
  return startResponder({
    listen: { host, port: 0 },
    accounts: accounts.map((username) => ({ username, password: `pw-${username}` })),
    clock: systemClock,
    random: systemRandom,
    log: createLog({ name: 'responder', level: 'error' }),
    ...(record !== undefined && { record }),
  })
}

const LOOPBACK = '127.0.0.1'

/** @param fields of its spec, in YAML of one line */
export const registrar = (name: string, fields: string, domain = LOOPBACK) => `---
apiVersion: ringcheck.dev/v1alpha1
kind: SipRegistrar
metadata: { name: ${name} }
spec: { domain: ${domain}, ${fields} }
`

export const OFTEN = 'check: Options, schedule: { interval: 10s }'

/** @param fields of its spec, in YAML of one line */
export const probe = (name: string, through: string, fields = OFTEN, domain = LOOPBACK) => `---
apiVersion: ringcheck.dev/v1alpha1
kind: SipProbe
metadata: { name: ${name} }
spec: { registrarRef: { name: ${through} }, target: 'sip:echo@${domain}', ${fields} }
`

export const secret = (name: string, data: Readonly<Record<string, string>>) => `---
apiVersion: v1
kind: Secret
metadata: { name: ${name} }
stringData: ${JSON.stringify(data)}
`

type Named = 'sipprobe' | 'sipregistrar'
/** As far as these tests look at it. */
interface Said {
  status?: { conditions?: Condition[]; lastExecution?: { id: string } }
}

/** A namespace of a cluster, made when it is not there. */
export async function namespaceOf({ kubectl }: Cluster, namespace: string) {
  const manifest = JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  await kubectl.with(manifest, 'apply', '--filename', '-')
  const within = (...words: string[]) => kubectl('--namespace', namespace, ...words)
  const object = async (kind: Named, name: string) =>
    JSON.parse(await within('get', kind, name, '--output', 'json')) as Said
  return {
    kubectl: within,
    /** By the server, so that no copy of a long manifest is kept in an annotation. */
    apply: (manifests: string) =>
      kubectl.with(manifests, 'apply', '--server-side', '--namespace', namespace, '--filename', '-'),
    object,
    /** Waits for two more results of a probe: whatever happened did not stop it. */
    async goesOn(name: string): Promise<void> {
      const last = async () => (await object('sipprobe', name)).status?.lastExecution?.id
      for (let more = 0; more < 2; more++) {
        const before = await last()
        await eventually(async () => expect(await last()).not.toBe(before))
      }
    },
    /** Waits until the condition is so. */
    async becomes(kind: Named, name: string, type: 'Ready' | 'Healthy', wanted: Partial<Condition>): Promise<void> {
      const found = async () => (await object(kind, name)).status?.conditions?.find((each) => each.type === type)
      await eventually(async () => expect(await found()).toMatchObject(wanted))
    },
  }
}

/** Of all samples of a series; NaN: there is none. @param labels what they must have, such as `namespace="sales"` */
export async function sumOf(operator: RunningOperator, series: string, labels = ''): Promise<number> {
  const samples = (await operator.metrics()).matchAll(new RegExp(`^${series}(?:{([^}]*)})? (.*)$`, 'gm'))
  const values = [...samples].flatMap(([, found = '', value]) => (found.includes(labels) ? [Number(value)] : []))
  return values.length === 0 ? NaN : values.reduce((sum, value) => sum + value, 0)
}
