/** What an agent and the process that forked it say to each other over IPC: keys in, port out. Everything else goes over the API. */
import { z } from 'zod'
import { logLevels } from '../../lib/log.ts'

/** From the parent, once. The keys exist nowhere else. */
export const AgentSettings = z.object({
  /** For the log. */
  name: z.string().min(1).max(128),
  /** PEM: the agent's own key and certificate, and the authority whose clients it lets in. */
  key: z.string(),
  certificate: z.string(),
  ca: z.string(),
  /** Where the API listens, on a port that the system chooses. */
  host: z.string(),
  level: z.enum(logLevels).default('info'),
  pretty: z.boolean().default(false),
})
export type AgentSettings = z.input<typeof AgentSettings>

/** From the agent, once it takes plans. */
export const AgentListening = z.object({ port: z.number().int().min(1).max(65_535) })
export type AgentListening = z.infer<typeof AgentListening>
