/**
 * `node media-memory.ts '{"before": 100, "calls": 500, "analysed": false, "ports": [P], "rtcpPort": P, "seconds": 8}'`: what memory a process
 * has with few and with many calls that have run for so many seconds. The sockets' own buffers are the system's, and not in it.
 */
import type { LoadOptions } from './media-load.ts'
import { benchMedia, openSessions, startSession } from './media-sessions.ts'
import { memory, pause, report } from './reporting.ts'

export interface MemoryOptions extends Pick<LoadOptions, 'calls' | 'ports' | 'rtcpPort' | 'seconds'> {
  /** Calls that are there at the first look, so that the code and its tables are. */
  readonly before: number
  /** Whether the others are heard by the audio analysis. */
  readonly analysed: boolean
}

const { before, calls, analysed, ports, rtcpPort, seconds }: MemoryOptions = JSON.parse(process.argv[2] ?? '')
const media = benchMedia()
await begin(before, false)
await begin(calls, analysed)
report({ event: 'done' })
process.exit()

async function begin(count: number, heard: boolean): Promise<void> {
  const sessions = await openSessions(media, count)
  for (const [call, session] of sessions.entries()) {
    const rtpPort = ports[call % ports.length] ?? 0
    startSession(media, session, { rtpPort, rtcpPort, source: { kind: 'Tone' }, analysed: heard })
  }
  await pause(seconds * 1000)
  report({ event: 'memory', ...memory() })
}
