/** Which locations there are, and how agents stand there: a part of the operator's configuration, parsed once. It places nothing. */
import { isIP } from 'node:net'
import { z } from 'zod'

/** `20000-20999`: both included. */
export const portRange = z
  .string()
  .regex(/^\d{1,5}-\d{1,5}$/, { error: 'must be FIRST-LAST, such as 20000-20999', abort: true })
  .refine((text) => {
    const [first = 0, last = 0] = text.split('-').map(Number)
    return first >= 1 && first < last && last <= 65_535
  }, 'must be a range of ports from 1 to 65535')

const name = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be a DNS label')
const texts = z.record(z.string().min(1), z.string())
/** What Kubernetes alone understands; its API server says what is wrong with it. */
const kubernetes = z.record(z.string(), z.unknown())

const externalAgent = z.strictObject({
  url: z.url({ protocol: /^https$/, error: 'must be https://HOST:PORT' }).describe('https://HOST:PORT.'),
  caRef: z
    .strictObject({ name: z.string().min(1), key: z.string().min(1) })
    .optional()
    .describe(
      "Of a Secret in the operator's namespace: the authority of its certificate. Absent: that of the operator.",
    ),
})

const location = z.strictObject({
  nodeSelector: texts.default({}).describe('As a pod has it.'),
  tolerations: z.array(kubernetes).default([]).describe('As a pod has them.'),
  affinity: kubernetes.optional().describe('As a pod has it.'),
  hostNetwork: z
    .boolean()
    .default(false)
    .describe('Agents have the addresses of their nodes, one on a node; the namespace must allow it.'),
  resources: z
    .strictObject({ requests: texts.default({}), limits: texts.default({}) })
    .default({ requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } })
    .describe('Of one agent.'),
  replicas: z.int().min(1).max(100).optional().describe('Absent: one agent per 50 probes that call from there.'),
  annotations: texts.default({}).describe('Of the pods.'),
  rtpPorts: portRange.optional().describe('Such as 20000-20999. Absent: any free port.'),
  sipPorts: portRange.optional().describe('Such as 5060-5069. Absent: any free port.'),
  sourceAddress: z
    .string()
    .refine((text) => isIP(text) !== 0, 'must be an IP address')
    .optional()
    .describe('For SIP and media, where a node has several.'),
  externalAddress: z
    .string()
    .refine((text) => text === 'Node' || isIP(text) !== 0, 'must be an IP address, or Node')
    .optional()
    .describe(
      'Where peers reach agents, at the same ports, instead of the address of their pods: an IP address, or `Node` for that of their node. For Contact and SDP.',
    ),
  agents: z.array(externalAgent).max(1000).default([]).describe('Agents that run elsewhere, instead of pods.'),
})
export type Location = z.output<typeof location>

/** `default` exists always. */
export const locations = z
  .record(name, location)
  .default({})
  .describe('From where probes call, by name; `default` exists always.')
  .transform((given) => ({ default: location.parse({}), ...given }))
export type Locations = z.output<typeof locations>

export const locationOf = (all: Locations, wanted: string): Location | undefined =>
  Object.entries(all).find(([each]) => each === wanted)?.[1]
