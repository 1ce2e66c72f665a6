/** SipProbe: one call on a schedule, judged against thresholds. */
import { z } from 'zod'
import {
  configKey,
  cron,
  displayName,
  duration,
  instant,
  label,
  list,
  mapOf,
  nameReference,
  sipUri,
  text,
  timeZone,
} from './common.ts'
import type { DeepReadonly } from './common.ts'
import { parseDuration } from './duration.ts'
import { age, defineKind } from './kind.ts'
import { media } from './media.ts'
import { sipProbeStatus } from './probe-status.ts'
import { ruled } from './rules.ts'
import { steps } from './scenario.ts'
import { thresholds } from './threshold-schema.ts'
import { checks, thresholdProfiles } from './thresholds.ts'
import { webhook } from './webhook.ts'

const schedule = ruled(
  z.strictObject({
    interval: duration('10s', '24h').exactOptional().meta({ description: 'Time between two calls.' }),
    cron: cron.exactOptional(),
    timeZone: timeZone.default('UTC').meta({ description: 'Time zone of `cron`, by its IANA name.' }),
  }),
  {
    message: 'must have exactly one of interval and cron',
    cel: 'has(self.interval) != has(self.cron)',
    holds: (value) => (value.interval === undefined) !== (value.cron === undefined),
  },
)

const timeouts = z.strictObject({
  register: duration('1s', '60s').default('10s').meta({ description: 'For a registration, authentication included.' }),
  answer: duration('1s', '180s').default('30s').meta({ description: 'From the first INVITE to the answer.' }),
  call: duration('1s', '24h').exactOptional().meta({
    description: 'How long a Callee waits for its call. Absent: the whole slot; with cron 60s.',
  }),
})

const location = z.strictObject({
  name: label.meta({ description: "Name of a location of the operator's configuration." }),
  thresholds: thresholds.exactOptional().meta({ description: "Replace the probe's thresholds here." }),
})

const window = ruled(
  z.strictObject({
    start: instant.exactOptional().meta({ description: 'Begin of a window that comes once.' }),
    end: instant.exactOptional().meta({ description: 'Its end.' }),
    cron: cron.exactOptional(),
    duration: duration('1m', '168h').exactOptional().meta({ description: 'How long a window of `cron` lasts.' }),
    timeZone: timeZone.default('UTC').meta({ description: 'Time zone of `cron`, by its IANA name.' }),
  }),
  {
    message: 'must have either start and end, or cron and duration',
    cel: 'has(self.start) == has(self.end) && has(self.cron) == has(self.duration) && has(self.start) != has(self.cron)',
    holds: ({ start, end, cron: expression, duration: length }) =>
      (start === undefined) === (end === undefined) &&
      (expression === undefined) === (length === undefined) &&
      (start === undefined) !== (expression === undefined),
  },
  {
    path: 'end',
    message: 'end must be after start',
    cel: '!has(self.start) || !has(self.end) || self.start < self.end',
    holds: ({ start, end }) => start === undefined || end === undefined || !(Date.parse(start) >= Date.parse(end)),
  },
)

const damping = z.int().min(1).max(10)

const fields = z.strictObject({
  displayName: displayName.exactOptional(),
  registrarRef: nameReference.meta({ description: 'The SipRegistrar it calls through, in the same namespace.' }),
  account: text(128).exactOptional().meta({ description: 'User name of one of its accounts. Absent: the first.' }),
  mode: z.enum(['Caller', 'Callee']).default('Caller').meta({ description: 'Whether it calls or waits to be called.' }),
  check: z.enum(checks).default('Call').meta({
    description: 'What is done. `Options` and `Register` are cheap and measure reachability only.',
  }),
  target: sipUri.exactOptional().meta({ description: 'SIP URI that is called.' }),
  schedule: schedule.default({ interval: '5m', timeZone: 'UTC' }).meta({
    description: 'When it calls. Exactly one of `interval` and `cron`. The operator may ask for longer intervals.',
  }),
  callDuration: duration('1s', '10m').default('10s').meta({ description: 'From the answer to our BYE.' }),
  timeouts: timeouts.prefault({}).meta({ description: 'How long is waited for what.' }),
  media: media.prefault({}),
  thresholdProfile: z.enum(thresholdProfiles).default('Standard').meta({
    description: 'What is judged when `thresholds` is absent. `None`: nothing, health is Unknown, reason NoThresholds.',
  }),
  thresholds: thresholds.exactOptional().meta({
    description: 'Exactly the metrics listed here are judged, at least one. Absent: those of the profile.',
  }),
  failureThreshold: damping.default(1).meta({ description: 'Worse rounds in a row until health gets worse.' }),
  successThreshold: damping.exactOptional().meta({
    description: 'Better rounds in a row until health gets better. Absent: 1 if `failureThreshold` is 1, else 2.',
  }),
  remoteHangup: z.enum(['Fail', 'Allow']).exactOptional().meta({
    description: 'Whether the other side may end the call. Absent: Fail for a Caller, Allow for a Callee.',
  }),
  webhooks: mapOf(webhook, 'name', 10).default([]).meta({ description: 'Where transitions are announced.' }),
  locations: mapOf(location, 'name', 20, 1)
    .default([{ name: 'default' }])
    .meta({
      description: 'Vantage points that call in each round.',
    }),
  quorum: z.int().min(1).max(20).default(1).meta({ description: 'How many locations must see a fault.' }),
  suspend: z.boolean().default(false).meta({ description: 'No calls; health becomes Unknown, reason Suspended.' }),
  maintenance: list(window, 50).default([]).meta({
    description: 'Windows in which calls go on and nobody is notified until they end.',
  }),
  scenario: steps.default([]).meta({ description: 'What is done during the call, for IVR paths.' }),
  scriptRef: configKey.exactOptional().meta({ description: 'Custom metrics: an ES module in a ConfigMap.' }),
  traces: z.enum(['All', 'Failed', 'None']).default('All').meta({
    description: 'Which executions keep their SIP trace. `Failed`: all that were not Healthy.',
  }),
})

const spec = ruled(
  fields,
  {
    path: 'target',
    message: 'target is needed by a Caller whose check is Call or Options',
    cel: "self.mode == 'Callee' || self.check == 'Register' || has(self.target)",
    holds: ({ mode, check, target }) => mode === 'Callee' || check === 'Register' || target !== undefined,
  },
  {
    path: 'target',
    message: 'target must not be set for a Callee: it waits to be called',
    cel: "self.mode != 'Callee' || !has(self.target)",
    holds: ({ mode, target }) => mode !== 'Callee' || target === undefined,
  },
  {
    path: 'check',
    message: 'check must be Call for a Callee',
    cel: "self.mode != 'Callee' || self.check == 'Call'",
    holds: ({ mode, check }) => mode !== 'Callee' || check === 'Call',
  },
  {
    path: 'locations',
    message: 'locations must have exactly one entry for a Callee',
    cel: "self.mode != 'Callee' || self.locations.size() == 1",
    holds: ({ mode, locations }) => mode !== 'Callee' || locations.length === 1,
  },
  {
    path: 'quorum',
    message: 'quorum must not be larger than the number of locations',
    cel: 'self.quorum <= self.locations.size()',
    holds: ({ quorum, locations }) => quorum <= locations.length,
  },
  {
    path: 'timeouts.call',
    message: 'timeouts.call must not be longer than schedule.interval',
    cel: '!has(self.timeouts.call) || !has(self.schedule.interval) || duration(self.timeouts.call) <= duration(self.schedule.interval)',
    holds: ({ timeouts: { call }, schedule: { interval } }) =>
      call === undefined || interval === undefined || (parseDuration(call) ?? 0) <= (parseDuration(interval) ?? 0),
  },
)

const ready = ".status.conditions[?(@.type=='Ready')].status"

export const sipProbe = defineKind({
  kind: 'SipProbe',
  plural: 'sipprobes',
  singular: 'sipprobe',
  shortNames: ['sprobe'],
  description: 'One call on a schedule, judged against thresholds.',
  spec,
  status: sipProbeStatus,
  columns: [
    { name: 'Health', type: 'string', jsonPath: '.status.health' },
    { name: 'MOS', type: 'number', jsonPath: '.status.lastExecution.metrics.mos' },
    { name: 'Loss', type: 'number', jsonPath: '.status.lastExecution.metrics.packetLoss' },
    { name: 'RTT', type: 'number', jsonPath: '.status.lastExecution.metrics.rtt' },
    { name: 'Last run', type: 'date', jsonPath: '.status.lastExecution.finishedAt' },
    { name: 'Next run', type: 'string', jsonPath: '.status.nextExecutionTime' },
    age,
    { name: 'Ready', type: 'string', jsonPath: ready, priority: 1 },
    { name: 'Registrar', type: 'string', jsonPath: '.spec.registrarRef.name', priority: 1 },
    { name: 'Target', type: 'string', jsonPath: '.spec.target', priority: 1 },
    { name: 'Reason', type: 'string', jsonPath: '.status.reason', priority: 1 },
  ],
})

export type SipProbe = DeepReadonly<z.output<typeof sipProbe.schema>>
export type SipProbeSpec = SipProbe['spec']
export type SipProbeStatus = NonNullable<SipProbe['status']>
