/** The operator's configuration: in local mode from the command line, whose flags hold the defaults; on Kubernetes from a file and the environment. */
import { z } from 'zod'
import type { Address } from '../lib/http.ts'
import { locations } from './agents/kubernetes/index.ts'
import { isLoopback, parseAddress } from '../lib/http.ts'

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
    /** `Namespaced`: only the namespace of the pod is looked at. */
    scope: z.enum(['Cluster', 'Namespaced']).default('Cluster'),
    api: address.prefault('127.0.0.1:8080'),
    pages: address.prefault('0.0.0.0:8081'),
    admin: address.prefault('0.0.0.0:9464'),
    publicUrl: webUrl.optional(),
    dashboardUrl: webUrl.optional(),
    /** Folder of the history store, where it is not PostgreSQL. */
    data: z.string().min(1).default('/var/lib/ringcheck'),
    /** Networks that webhooks may reach though they are not public, as `10.1.0.0/16`. */
    webhookNetworks: networks.default([]),
    databaseUrl: databaseUrl.optional(),
    token: token.optional(),
    locations,
    /** Of the pods that call, RINGCHECK_IMAGE: our own. Absent: a child of the operator calls. */
    image: z.string().min(1).optional(),
    podName: z.string().min(1),
    podNamespace: z.string().min(1).default('default'),
  })
  .refine(({ api, token: asked }) => isLoopback(api.host) || asked !== undefined, {
    message: 'off loopback api needs a token: set RINGCHECK_TOKEN',
  })
export type OperatorConfig = z.output<typeof OperatorConfig>
