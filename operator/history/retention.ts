/** How long history is kept: a part of the operator's configuration, parsed once. It deletes nothing. */
import { z } from 'zod'

const days = (standard: number, what: string) =>
  z.int().min(1).max(3650).default(standard).describe(`Days that ${what} are kept.`)

export const retention = z
  .strictObject({
    executions: days(90, 'executions and settled webhook deliveries'),
    samples: days(7, 'the figures of each second of a call'),
    traces: days(7, 'SIP traces'),
    transitions: days(400, 'changes of state'),
  })
  .prefault({})
  .describe('How long history is kept.')
export type Retention = z.output<typeof retention>
