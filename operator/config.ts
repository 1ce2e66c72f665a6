/** The operator's configuration in local mode: parsed once from the command line, whose flags hold the defaults. */
import { z } from 'zod'
import type { Address } from '../lib/http.ts'
import { isLoopback, parseAddress } from '../lib/http.ts'

export const address = z.string().transform((text, context): Address => {
  const parsed = parseAddress(text)
  if (parsed.kind === 'Address') return parsed.address
  context.addIssue({ code: 'custom', message: parsed.message })
  return z.NEVER
})

const webUrl = z.url({ protocol: /^https?$/, error: 'must be a URL that begins with https:// or http://' })

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
    /** PostgreSQL for the history instead of a file in `data`; holds a password. */
    databaseUrl: z
      .string()
      .regex(
        /^postgres(ql)?:\/\/[^/]+\/./,
        'RINGCHECK_DATABASE_URL must be postgres://USER:PASSWORD@HOST:PORT/DATABASE',
      )
      .optional(),
    /** Asked for by the API where it is reachable from elsewhere. */
    token: z
      .string()
      .min(16, 'RINGCHECK_TOKEN must have at least 16 characters')
      .max(1024, 'RINGCHECK_TOKEN must have at most 1024 characters')
      .optional(),
    /** False: nothing runs by its schedule. */
    scheduled: z.boolean(),
  })
  .refine(({ api, token }) => isLoopback(api.host) || token !== undefined, {
    message: 'off loopback --api needs a token: set RINGCHECK_TOKEN',
  })
export type LocalConfig = z.output<typeof LocalConfig>
