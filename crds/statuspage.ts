/** StatusPage: a public page over probes. Its words and days are here, its markup is not. */
import { z } from 'zod'
import { conditions, displayName, instant, label, list, mapOf, nameReference, setOf, text, timeZone } from './common.ts'
import type { DeepReadonly } from './common.ts'
import { age, defineKind } from './kind.ts'
import { ruled, SHARED } from './rules.ts'
import { httpUrl } from './webhook.ts'

export const componentStates = ['Operational', 'DegradedPerformance', 'MajorOutage', 'UnderMaintenance'] as const

const componentName = text(100)
const components = setOf(componentName, 100).default([])

const component = z.strictObject({
  name: componentName.meta({ description: 'What readers see; the name of the probe is never shown.' }),
  description: text(300).exactOptional().meta({ description: 'A line below the name.' }),
  group: text(100).exactOptional().meta({ description: 'Heading it stands under.' }),
  probeRef: nameReference.meta({ description: 'The SipProbe it shows.' }),
})

const branding = z.strictObject({
  logoUrl: httpUrl.exactOptional().meta({ description: 'Logo at the top.' }),
  faviconUrl: httpUrl.exactOptional().meta({ description: 'Icon of the tab.' }),
  accentColor: text(7, 0)
    .regex(/^#[0-9A-Fa-f]{6}$/, 'be a colour such as #0a84ff')
    .exactOptional()
    .meta({ description: 'Colour of links, `#rrggbb`.' }),
})

const link = z.strictObject({
  title: text(100).meta({ description: 'Text of the link.' }),
  url: httpUrl.meta({ description: 'Where it leads.' }),
})

const update = z.strictObject({
  at: instant.meta({ description: 'When it was written.' }),
  status: z.enum(['Investigating', 'Identified', 'Monitoring', 'Resolved']).meta({ description: 'How far it is.' }),
  message: text(2000).meta({ description: 'What readers are told.' }),
})

const incident = z.strictObject({
  id: label.meta({ description: 'Identifies it in feeds; never changes.' }),
  title: text(200).meta({ description: 'Headline.' }),
  impact: z.enum(['None', 'Minor', 'Major', 'Critical']).default('Minor').meta({ description: 'How bad it is.' }),
  components: components.meta({ description: 'Names of the components concerned.' }),
  updates: list(update, 50, 1).meta({ description: 'What happened, in any order.' }),
})

const maintenance = ruled(
  z.strictObject({
    id: label.meta({ description: 'Identifies it in feeds; never changes.' }),
    title: text(200).meta({ description: 'Headline.' }),
    start: instant.meta({ description: 'Its begin.' }),
    end: instant.meta({ description: 'Its end.' }),
    components: components.meta({ description: 'Names of the components concerned.' }),
    message: text(2000).exactOptional().meta({ description: 'What readers are told.' }),
  }),
  {
    path: 'end',
    message: 'end must be after start',
    cel: 'self.start < self.end',
    holds: ({ start, end }) => !(Date.parse(start) >= Date.parse(end)),
  },
)

const spec = z.strictObject({
  displayName: displayName.exactOptional(),
  title: text(100).meta({ description: 'Title of the page.' }),
  description: text(1000).exactOptional().meta({ description: 'A few words below the title.' }),
  slug: label.exactOptional().meta({ description: 'Last part of its address. Absent: `metadata.name`.' }),
  components: mapOf(component, 'name', 100).default([]).meta({ description: 'What is shown, in this order.' }),
  days: z.int().min(1).max(365).default(90).meta({ description: 'Days of history shown.' }),
  branding: branding.prefault({}).meta({ description: 'Logo and colours.' }),
  hosts: setOf(
    text(253, 0)
      .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'be a host name')
      .meta({ [SHARED]: 'HostName' }),
    20,
  )
    .default([])
    .meta({ description: 'Host headers it answers on at `/`. The first page to claim one has it.' }),
  links: list(link, 20).default([]).meta({ description: 'Links at the foot.' }),
  incidents: mapOf(incident, 'id', 100).default([]).meta({ description: 'Incidents told by hand.' }),
  maintenance: mapOf(maintenance, 'id', 100).default([]).meta({ description: 'Announced maintenance.' }),
  timeZone: timeZone.default('UTC').meta({ description: 'Zone of its days and times, by its IANA name.' }),
  showUptime: z.boolean().default(true).meta({ description: 'Whether uptime percentages are shown.' }),
  showLatency: z.boolean().default(false).meta({ description: 'Whether setup times are shown.' }),
})

const state = z.enum(componentStates)

const status = z.object({
  observedGeneration: z.int().min(0).max(Number.MAX_SAFE_INTEGER).exactOptional(),
  url: text(2048).exactOptional().meta({ description: 'Where it is.' }),
  overall: state.exactOptional().meta({ description: 'The worst of its components.' }),
  components: list(
    z.object({ name: text(100), state, uptime90d: z.number().min(0).max(100).exactOptional() }),
    100,
  ).exactOptional(),
  warnings: list(text(500), 100).exactOptional().meta({ description: 'What its owner should look at.' }),
  conditions: conditions.exactOptional(),
})

export const statusPage = defineKind({
  kind: 'StatusPage',
  plural: 'statuspages',
  singular: 'statuspage',
  shortNames: ['spage'],
  description: 'A public page over probes.',
  spec,
  status,
  columns: [
    { name: 'Overall', type: 'string', jsonPath: '.status.overall' },
    { name: 'URL', type: 'string', jsonPath: '.status.url' },
    { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
    age,
  ],
})

export type StatusPage = DeepReadonly<z.output<typeof statusPage.schema>>
export type StatusPageSpec = StatusPage['spec']
export type StatusPageStatus = NonNullable<StatusPage['status']>
