/** The operator's configuration in local mode: parsed once from the command line, frozen, and the only place its defaults are written. */
import { z } from 'zod'
import type { Address } from '../lib/http.ts'
import { parseAddress } from '../lib/http.ts'

const address = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context): Address => {
      const parsed = parseAddress(text)
      if (parsed.kind === 'Address') return parsed.address
      context.addIssue({ code: 'custom', message: parsed.message })
      return z.NEVER
    })

export const LocalConfig = z.strictObject({
  /** The folder of YAML. */
  folder: z.string().min(1),
  /** REST API. */
  api: address('127.0.0.1:8080'),
  /** Public status pages. */
  pages: address('127.0.0.1:8081'),
  /** Health and metrics. */
  admin: address('127.0.0.1:9464'),
  /** Folder of the history store; made when it is not there. */
  data: z.string().min(1).default('./.ringcheck'),
  /** Asked for by the API where it is reachable from elsewhere. */
  token: z.string().min(16).max(1024).optional(),
  /** False: nothing runs by its schedule. */
  scheduled: z.boolean().default(true),
})
export type LocalConfig = z.output<typeof LocalConfig>
