/** SipLoadTestRun: one execution of a load test, its state, summary and verdict. */
import { z } from 'zod'
import { conditions, duration, instant, label, list, nameReference, displayName, sipUri, text } from './common.ts'
import type { DeepReadonly } from './common.ts'
import { failureClasses, outcomes } from './failures.ts'
import type { FailureClass } from './failures.ts'
import { runMetricKeys } from './gate.ts'
import { age, defineKind } from './kind.ts'
import { metricKeys, statistics } from './metrics.ts'
import type { RunMetricKey } from './metrics.ts'
import { hasRightShape, ruled } from './rules.ts'

const labelValue = z
  .string()
  .max(63)
  .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/, 'be the value of a label, as Kubernetes has them')

const atMost20 = [
  (value: object | undefined) => value === undefined || Object.keys(value).length <= 20,
  { message: 'must have at most 20 entries', when: hasRightShape },
] as const

const overrides = z.strictObject({
  duration: duration('1s', '24h').exactOptional().meta({ description: 'Instead of the duration of the test.' }),
  endpoints: z
    .record(z.string(), z.int().min(1).max(100_000))
    .exactOptional()
    .refine(...atMost20)
    .meta({ description: 'Endpoints by name of group, instead of those of the test.', maxProperties: 20 }),
  targetUri: sipUri.exactOptional().meta({ description: 'Called by every Caller group, instead of their targets.' }),
  labels: z
    .record(z.string(), labelValue)
    .exactOptional()
    .refine(...atMost20)
    .meta({ description: 'Stand beside the run in results.', maxProperties: 20 }),
})

const spec = ruled(
  z.strictObject({
    displayName: displayName.exactOptional(),
    testRef: nameReference.meta({ description: 'The SipLoadTest it executes.' }),
    stop: z.boolean().default(false).meta({ description: 'Set to true to stop the run.' }),
    overrides: overrides.prefault({}).meta({ description: 'What is other than in the test.' }),
  }),
  {
    message: 'spec must not change, but for stop: make another run',
    cel: 'self.testRef == oldSelf.testRef && self.overrides == oldSelf.overrides',
    // A file has no state before it; only the API server compares.
    holds: () => true,
  },
)

const whole = z.int().min(0).max(Number.MAX_SAFE_INTEGER)
const number = z.number().min(-1e15).max(1e15)
const counts = (most: number) => z.record(z.string(), whole).meta({ maxProperties: most })
// Object.keys forgets that the table is closed.
const classes = Object.keys(failureClasses) as FailureClass[]
const distribution = z.partialRecord(z.enum(statistics), number)

const figure = number.exactOptional()
// The entries are exactly the figures of a run; fromEntries forgets the keys' type.
const figures = Object.fromEntries(runMetricKeys.map((key) => [key, figure])) as Record<RunMetricKey, typeof figure>

const aggregates = {
  ...figures,
  metrics: z.partialRecord(z.enum(metricKeys), distribution).exactOptional(),
  responses: counts(100).exactOptional().meta({ description: 'Final responses by code.' }),
  outcomes: z.partialRecord(z.enum(outcomes), whole).exactOptional(),
  failureClasses: z.partialRecord(z.enum(classes), whole).exactOptional(),
}

const status = z.object({
  observedGeneration: whole.exactOptional(),
  state: z
    .enum(['Pending', 'Queued', 'Running', 'Stopping', 'Completed', 'Failed', 'CannotRunForNow'])
    .exactOptional()
    .meta({ description: 'Where it is. The last three are ends and never change.' }),
  verdict: z
    .enum(['Passed', 'Failed', 'Inconclusive'])
    .exactOptional()
    .meta({ description: 'Absent until it has finished.' }),
  reason: text(128).exactOptional(),
  message: text(1024, 0).exactOptional(),
  startedBy: text(253).exactOptional(),
  startTime: instant.exactOptional(),
  finishTime: instant.exactOptional(),
  summary: z.object(aggregates).exactOptional().meta({ description: 'Aggregates over the steady window.' }),
  gates: list(
    z.object({
      metric: z.enum([...metricKeys, ...runMetricKeys]),
      stat: z.enum(statistics).exactOptional(),
      bound: text(64),
      measured: number.exactOptional(),
      passed: z.boolean(),
    }),
    50,
  ).exactOptional(),
  outcomes: z.partialRecord(z.enum(outcomes), whole).exactOptional(),
  groups: list(
    z.object({ name: label, endpoints: whole, callsAttempted: whole, callsAnswered: whole, callsFailed: whole }),
    20,
  ).exactOptional(),
  agents: list(
    z.object({
      pod: text(253),
      endpoints: whole,
      state: text(32),
      startSkewMs: number.exactOptional(),
      saturated: z.boolean(),
    }),
    1000,
  ).exactOptional(),
  conditions: conditions.exactOptional(),
})

export const sipLoadTestRun = defineKind({
  kind: 'SipLoadTestRun',
  plural: 'siploadtestruns',
  singular: 'siploadtestrun',
  shortNames: ['srun'],
  description: 'One execution of a load test: its state, summary and verdict. Its spec never changes, but for `stop`.',
  spec,
  status,
  columns: [
    { name: 'Test', type: 'string', jsonPath: '.spec.testRef.name' },
    { name: 'State', type: 'string', jsonPath: '.status.state' },
    { name: 'Verdict', type: 'string', jsonPath: '.status.verdict' },
    { name: 'MOS', type: 'number', jsonPath: '.status.summary.metrics.mos.avg' },
    { name: 'ASR', type: 'number', jsonPath: '.status.summary.asr' },
    { name: 'Endpoints', type: 'integer', jsonPath: '.status.summary.endpoints' },
    age,
  ],
})

export type SipLoadTestRun = DeepReadonly<z.output<typeof sipLoadTestRun.schema>>
export type SipLoadTestRunSpec = SipLoadTestRun['spec']
export type SipLoadTestRunStatus = NonNullable<SipLoadTestRun['status']>
