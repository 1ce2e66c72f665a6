/** SipLoadTest: what a load test does. Saving it starts nothing, unless it says so. */
import { z } from 'zod'
import {
  conditions,
  configKey,
  cron,
  displayName,
  duration,
  instant,
  label,
  list,
  mapOf,
  nameReference,
  setOf,
  sipUri,
  text,
  timeZone,
} from './common.ts'
import type { DeepReadonly } from './common.ts'
import { gate } from './gate.ts'
import { age, defineKind } from './kind.ts'
import { media } from './media.ts'
import { ruled } from './rules.ts'
import { steps } from './scenario.ts'
import { runWebhook } from './webhook.ts'

const quantity = text(32, 0).regex(/^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/, 'be a quantity such as 500m or 256Mi')
const quantities = z.strictObject({
  cpu: quantity.exactOptional().meta({ description: 'Such as `500m`.' }),
  memory: quantity.exactOptional().meta({ description: 'Such as `256Mi`.' }),
})

const accounts = ruled(
  z.strictObject({
    from: text(128).exactOptional().meta({ description: 'First user name taken. Absent: the first of the registrar.' }),
    count: z.int().min(1).max(100_000).exactOptional().meta({ description: 'How many are taken, in their order.' }),
    usernames: setOf(text(128), 1000, 1).exactOptional().meta({ description: 'Exactly these.' }),
  }),
  {
    message: 'must have either count, with or without from, or usernames',
    cel: 'has(self.count) != has(self.usernames) && !(has(self.from) && has(self.usernames))',
    holds: ({ from, count, usernames }) =>
      (count === undefined) !== (usernames === undefined) && (from === undefined || usernames === undefined),
  },
)

const target = ruled(
  z.strictObject({
    uri: sipUri.exactOptional().meta({ description: 'A SIP URI.' }),
    group: label.exactOptional().meta({ description: 'Name of a Callee group of this test.' }),
  }),
  {
    message: 'must have exactly one of uri and group',
    cel: 'has(self.uri) != has(self.group)',
    holds: ({ uri, group: name }) => (uri === undefined) !== (name === undefined),
  },
)

const calls = z.strictObject({
  perEndpoint: z.int().min(1).max(10_000).default(1).meta({ description: 'Calls one after the other.' }),
  pause: duration('0s', '1h').default('0s').meta({ description: 'Between two of them.' }),
})

const group = ruled(
  z.strictObject({
    name: label.meta({ description: 'Its name in results.' }),
    endpoints: z.int().min(1).max(100_000).meta({ description: 'How many endpoints.' }),
    role: z.enum(['Caller', 'Callee']).default('Caller').meta({ description: 'Whether they call or wait.' }),
    registrarRef: nameReference.meta({ description: 'The SipRegistrar they use.' }),
    accounts: accounts
      .exactOptional()
      .meta({ description: 'Which accounts they take. Absent: as many as they are, from the first.' }),
    target: target.exactOptional().meta({ description: 'What a Caller calls.' }),
    media: media.prefault({}),
    scenario: steps.default([]).meta({ description: 'What is done during each call.' }),
    calls: calls.prefault({}).meta({ description: 'Calls of each endpoint.' }),
    callDuration: duration('1s', '24h').exactOptional().meta({
      description: 'From the answer to our BYE. Absent: until `duration` after the end of the ramp.',
    }),
    scriptRef: configKey.exactOptional().meta({ description: 'Custom metrics: an ES module in a ConfigMap.' }),
  }),
  {
    path: 'target',
    message: 'target is needed by a Caller',
    cel: "self.role == 'Callee' || has(self.target)",
    holds: (value) => value.role === 'Callee' || value.target !== undefined,
  },
  {
    path: 'target',
    message: 'target must not be set for a Callee: it waits to be called',
    cel: "self.role != 'Callee' || !has(self.target)",
    holds: (value) => value.role !== 'Callee' || value.target === undefined,
  },
)

const ramp = ruled(
  z.strictObject({
    callsPerSecond: z
      .number()
      .min(0.01)
      .max(10_000)
      .exactOptional()
      .meta({ description: 'New calls a second, over all agents.' }),
    over: duration('0s', '24h').exactOptional().meta({ description: 'Time over which the endpoints start, evenly.' }),
  }),
  {
    message: 'must have exactly one of callsPerSecond and over',
    cel: 'has(self.callsPerSecond) != has(self.over)',
    holds: ({ callsPerSecond, over }) => (callsPerSecond === undefined) !== (over === undefined),
  },
)

const agents = z.strictObject({
  endpointsPerAgent: z.int().min(1).max(100_000).default(500).meta({ description: 'Endpoints of one agent pod.' }),
  location: label.default('default').meta({ description: 'Where the agents run.' }),
  resources: z
    .strictObject({
      requests: quantities.exactOptional().meta({ description: 'What a pod asks for.' }),
      limits: quantities.exactOptional().meta({ description: 'What a pod may use.' }),
    })
    .exactOptional()
    .meta({ description: 'Of an agent pod. Absent: those of the location.' }),
  readyTimeout: duration('10s', '1h').default('5m').meta({ description: 'How long is waited for the agents.' }),
})

const slots = z.strictObject({
  cron: cron.meta({ description: 'Five fields: minute, hour, day of month, month, day of week.' }),
  timeZone: timeZone.default('UTC').meta({ description: 'Time zone of `cron`, by its IANA name.' }),
})

const kept = z.int().min(0).max(100)
const history = z.strictObject({
  passed: kept.default(5).meta({ description: 'Passed runs kept in the cluster.' }),
  failed: kept.default(10).meta({ description: 'Runs kept that did not pass.' }),
})

const fields = z.strictObject({
  displayName: displayName.exactOptional(),
  groups: mapOf(group, 'name', 20, 1).meta({ description: 'Endpoints that do the same; all groups run at once.' }),
  duration: duration('1s', '24h').meta({ description: 'Length of the steady window, after the end of the ramp.' }),
  ramp: ramp.default({ callsPerSecond: 10 }).meta({ description: 'How calls start. Exactly one of the fields.' }),
  agents: agents.prefault({}).meta({ description: 'Who carries it out.' }),
  deadline: duration('1s', '48h').exactOptional().meta({
    description: 'A run that lasts longer fails. Absent: ramp, longest call and 5m.',
  }),
  gates: list(gate, 50).default([]).meta({ description: 'What must hold for a run to pass. None: no call failed.' }),
  abortOn: list(gate, 20)
    .default([])
    .meta({ description: 'A run ends early, and fails, when one of these does not hold.' }),
  schedule: slots.exactOptional().meta({ description: 'Starts a run at each slot.' }),
  runOn: z.enum(['Manual', 'Change']).default('Manual').meta({
    description: 'With `Change`, a run for each new `runToken` or changed plan.',
  }),
  runToken: text(128).exactOptional().meta({ description: 'Any text; a new one is a new run, with `runOn: Change`.' }),
  concurrencyPolicy: z.enum(['Queue', 'Forbid', 'Replace']).default('Queue').meta({
    description: 'What happens to a run while another one runs.',
  }),
  history: history.prefault({}).meta({ description: 'How many finished runs are kept.' }),
  ttlSecondsAfterFinished: z.int().min(0).max(31_536_000).exactOptional().meta({
    description: 'Seconds after which a finished run is deleted. Absent: `history` alone decides.',
  }),
  webhooks: mapOf(runWebhook, 'name', 10).default([]).meta({ description: 'Told when a run has finished.' }),
  traces: z
    .enum(['All', 'Failed', 'None'])
    .default('Failed')
    .meta({ description: 'Which calls keep their SIP trace.' }),
  samples: z
    .strictObject({
      endpoints: z
        .int()
        .min(0)
        .max(10_000)
        .default(100)
        .meta({ description: 'How many endpoints keep per-second series.' }),
    })
    .prefault({})
    .meta({ description: 'What is kept in detail.' }),
})

const spec = ruled(
  fields,
  {
    path: 'groups',
    message: 'groups must have at most 100000 endpoints together',
    cel: 'self.groups.map(group, group.endpoints).sum() <= 100000',
    holds: ({ groups }) => groups.reduce((sum, { endpoints }) => sum + endpoints, 0) <= 100_000,
  },
  {
    path: 'groups',
    message: 'target.group must name a Callee group of this test',
    cel: "self.groups.all(caller, !has(caller.target) || !has(caller.target.group) || self.groups.exists(callee, callee.name == caller.target.group && callee.role == 'Callee'))",
    holds: ({ groups }) =>
      groups.every(({ target: called }) => {
        const name = called?.group
        return name === undefined || groups.some((callee) => callee.name === name && callee.role === 'Callee')
      }),
  },
)

const whole = z.int().min(0).max(Number.MAX_SAFE_INTEGER)

const status = z.object({
  observedGeneration: whole.exactOptional(),
  lastRun: z
    .object({
      name: text(253),
      state: text(32),
      verdict: text(32).exactOptional(),
      finishedAt: instant.exactOptional(),
    })
    .exactOptional()
    .meta({ description: 'The latest run.' }),
  lastPassedTime: instant.exactOptional(),
  runs: whole.exactOptional().meta({ description: 'Runs there are in the cluster.' }),
  peakCalls: whole.exactOptional().meta({ description: 'The most calls at once, as planned.' }),
  totalTime: text(24).exactOptional().meta({ description: 'Time a run takes, as planned.' }),
  conditions: conditions.exactOptional(),
})

export const sipLoadTest = defineKind({
  kind: 'SipLoadTest',
  plural: 'siploadtests',
  singular: 'siploadtest',
  shortNames: ['sload'],
  description: 'What a load test does. It never runs by being saved, unless it says so.',
  spec,
  status,
  columns: [
    { name: 'Duration', type: 'string', jsonPath: '.spec.duration' },
    { name: 'Peak', type: 'integer', jsonPath: '.status.peakCalls' },
    { name: 'Last run', type: 'string', jsonPath: '.status.lastRun.name' },
    { name: 'State', type: 'string', jsonPath: '.status.lastRun.state' },
    { name: 'Verdict', type: 'string', jsonPath: '.status.lastRun.verdict' },
    age,
  ],
})

export type SipLoadTest = DeepReadonly<z.output<typeof sipLoadTest.schema>>
export type SipLoadTestSpec = SipLoadTest['spec']
export type SipLoadTestStatus = NonNullable<SipLoadTest['status']>
