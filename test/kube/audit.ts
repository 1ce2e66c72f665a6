/** What the API server was asked, by whom, as its audit log has it; one entry a request, at its end (a watch: also at its start). */
import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'

const entry = z.object({
  auditID: z.string(),
  stage: z.string(),
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`. */
  verb: z.string(),
  user: z.object({ username: z.string() }),
  requestURI: z.string(),
  /** Absent for what is no resource, such as `/version`. */
  objectRef: z
    .object({
      /** Absent in the core group. */
      apiGroup: z.string().optional(),
      resource: z.string(),
      subresource: z.string().optional(),
      namespace: z.string().optional(),
      name: z.string().optional(),
    })
    .optional(),
  responseStatus: z.object({ code: z.number() }).optional(),
})

export type AuditEntry = z.infer<typeof entry>

/** Entries of a log that is still written, oldest first; none when nothing was written yet. */
export function readAudit(path: string): AuditEntry[] {
  if (!existsSync(path)) return []
  // The last line may be half there.
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => entry.parse(JSON.parse(line)))
}
