/** An agent process for tests: what `ringcheck agent` does, without the command line. */
import { runAgent } from '../../agent/process.ts'

await runAgent()
