/** `ringcheck agent`: the process that makes the calls, as the operator starts it; nobody starts it by hand in local mode. */
import { runAgent } from '../../agent/process.ts'
import type { Command } from '../command.ts'
import { USER_AGENT } from '../version.ts'

export const agent: Command = {
  name: 'agent',
  usage: '',
  description: 'Gets its keys from the process that forked it, and ends with it.',
  flags: {},
  examples: [['agent', 'only as a child of ringcheck serve']],
  positionals: { least: 0, most: 0 },
  async run() {
    await runAgent({ userAgent: USER_AGENT })
    return 0
  },
}
