/** What memory calls keep while they run: the process that has them tells. */
import type { MemoryOptions } from './media-memory.ts'
import { startPeer } from './media-run.ts'
import { line, lines, number, program } from './process.ts'

/** Calls that are there before, so that all code has run. */
const BEFORE = 100

/** Bytes of all these calls: in use after a full collection, and of memory that the system gave. */
export async function memoryOfCalls(load: {
  calls: number
  seconds: number
  analysed: boolean
}): Promise<{ used: number; resident: number }> {
  const { process: peer, ports, rtcpPort } = await startPeer()
  await using _ = peer
  const options: MemoryOptions = { before: BEFORE, ...load, ports, rtcpPort }
  await using callers = await program('Measured', 'media-memory.ts', [JSON.stringify(options)])
  await line(callers.child, 'done', { within: 2 * load.seconds + 60 })
  const [before = {}, after = {}] = lines(callers.child.log(), 'memory')
  const grown = (name: string): number => number(after, name) - number(before, name)
  return { used: grown('heap') + grown('buffers'), resident: grown('rss') }
}
