/** The operator's configuration: in local mode from the command line, whose flags hold the defaults; on Kubernetes from a file and the environment. */
import { z } from 'zod'
import type { Address } from '../lib/http.ts'
import { duration } from '../crds/common.ts'
import { isLoopback, parseAddress } from '../lib/http.ts'
import { locations } from './agents/kubernetes/index.ts'
import { retention } from './history/index.ts'

export const address = z.string().transform((text, context): Address => {
  const parsed = parseAddress(text)
  if (parsed.kind === 'Address') return parsed.address
  context.addIssue({ code: 'custom', message: parsed.message })
  return z.NEVER
})

const webUrl = z.url({ protocol: /^https?$/, error: 'must be a URL that begins with https:// or http://' })

/** PostgreSQL for the history instead of a file in `data`; holds a password. */
const databaseUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\/[^/]+\/./, 'RINGCHECK_DATABASE_URL must be postgres://USER:PASSWORD@HOST:PORT/DATABASE')

/** Asked for by the API where it is reachable from elsewhere. */
const token = z
  .string()
  .min(16, 'RINGCHECK_TOKEN must have at least 16 characters')
  .max(1024, 'RINGCHECK_TOKEN must have at most 1024 characters')

export const LocalConfig = z
  .strictObject({
    /** The folder of YAML. */
    folder: z.string().min(1),
    /** REST API. */
    api: address,
    /** Public status pages. */
    pages: address,
    /** Health and metrics. */
    admin: address,
    /** Where the status pages are, as readers reach them; for links in webhooks. */
    publicUrl: webUrl.optional(),
    dashboardUrl: webUrl.optional(),
    /** Folder of the history store; made when it is not there. */
    data: z.string().min(1),
    databaseUrl: databaseUrl.optional(),
    token: token.optional(),
    /** False: nothing runs by its schedule. */
    scheduled: z.boolean(),
  })
  .refine(({ api, token }) => isLoopback(api.host) || token !== undefined, {
    message: 'off loopback --api needs a token: set RINGCHECK_TOKEN',
  })
export type LocalConfig = z.output<typeof LocalConfig>

const networks = z.array(z.union([z.cidrv4(), z.cidrv6()], { error: 'must be a network such as 10.1.0.0/16' }))

export const OperatorConfig = z
  .strictObject({
    scope: z
      .enum(['Cluster', 'Namespaced'])
      .default('Cluster')
      .describe('`Namespaced`: only the namespace of the pod is looked at.'),
    api: address.prefault('127.0.0.1:8080').describe('Where the REST API listens.'),
    authentication: z
      .enum(['Kubernetes', 'Keys', 'None'])
      .default('None')
      .describe(
        'Whose `Authorization: Bearer` the API takes. `Kubernetes`: tokens of the cluster, with what its RBAC allows; `Keys`: those in `keys`; `None`: it asks for nothing, on loopback only.',
      ),
    audiences: z
      .array(z.string().min(1))
      .default(['ringcheck'])
      .describe('With `Kubernetes`: a token must be for one of them. Empty: for the API server itself.'),
    keys: z
      .string()
      .min(1)
      .default('/etc/ringcheck-keys')
      .describe('With `Keys`: a folder with the files `read` and `write`, a SHA-256 of a key on each line.'),
    pages: address.prefault('0.0.0.0:8081').describe('Where the public status pages listen.'),
    admin: address.prefault('0.0.0.0:9464').describe('Where health and metrics listen.'),
    publicUrl: webUrl.optional().describe('Where the status pages are, as readers reach them; for links in webhooks.'),
    dashboardUrl: webUrl.optional().describe('Where people look at a probe; for links in webhooks.'),
    minInterval: duration('10s', '24h')
      .default('10s')
      .describe(
        'The shortest time between two rounds of a probe; one that asks for less is not Ready, and calls nobody.',
      ),
    retentionDays: retention,
    webhookNetworks: networks
      .default([])
      .describe('Networks that webhooks may reach though they are not public, such as 10.1.0.0/16.'),
    locations,
    agents: z
      .enum(['Pods', 'Children'])
      .default('Pods')
      .describe(
        '`Children`: for an operator outside of its cluster, whose own child calls, from the location `default` alone.',
      ),
    data: z
      .string()
      .min(1)
      .default('/var/lib/ringcheck')
      .describe('Folder of the history store, where it is not PostgreSQL.'),
    imagePullPolicy: z
      .enum(['Always', 'IfNotPresent', 'Never'])
      .default('IfNotPresent')
      .describe('Of the image of agents, which is that of the operator.'),
    imagePullSecrets: z
      .array(z.string().min(1))
      .default([])
      .describe('Names of Secrets in the namespaces of the agents, with what their registry asks for.'),
    databaseUrl: databaseUrl.optional(),
    /** Of the pods that call: our own. */
    image: z.string().min(1).optional(),
    podName: z.string().min(1),
    podNamespace: z.string().min(1).default('default'),
  })
  .refine(({ api, authentication }) => isLoopback(api.host) || authentication !== 'None', {
    message: 'off loopback api needs authentication: Kubernetes or Keys',
  })
  .refine(({ agents, image }) => agents === 'Children' || image !== undefined, {
    message: 'RINGCHECK_IMAGE is not set: it names the image of the pods that call, which is that of the operator',
  })
export type OperatorConfig = z.output<typeof OperatorConfig>

/** What is not taken from the file, and the variable that holds it. */
export const fromEnvironment = {
  databaseUrl: 'RINGCHECK_DATABASE_URL',
  image: 'RINGCHECK_IMAGE',
  podName: 'POD_NAME',
  podNamespace: 'POD_NAMESPACE',
} as const satisfies Partial<Record<keyof OperatorConfig, string>>

/** What the file may hold. */
export const fileKeys: readonly string[] = Object.keys(OperatorConfig.shape).filter((key) => !(key in fromEnvironment))
