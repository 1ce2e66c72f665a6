/** What a call costs beside few and beside many open dialogs, and what memory registrations, dialogs and calls that are over keep. */
import { line, lines, number, program } from './process.ts'
import { startUas } from './run.ts'

export interface Beside {
  /** Microseconds of our UAC for each call. */
  readonly cpu: number
  /** Calls that failed and messages that were sent again: with many of them the cost is that of another load. */
  readonly flaws: number
}

/** What a call costs, once for each number of dialogs that are open beside it. */
export async function costBeside(dialogs: readonly number[], rate: number, seconds: number): Promise<Beside[]> {
  const { process: uas, port } = await startUas('Ours', 'Peer', 'UDP')
  await using _ = uas
  await using uac = await program('Measured', 'uac.ts', [
    ...['--port', String(port), '--rate', String(rate), '--warm-up', '6', '--seconds', String(seconds)],
    ...['--held', dialogs.join(',')],
  ])
  await line(uac.child, 'done', { within: dialogs.length * (seconds + 180) })
  return lines(uac.child.log(), 'result').map((result) => ({
    cpu: number(result, 'cpu'),
    flaws: ['failed', 'retransmissionsSent', 'retransmissionsReceived'].reduce(
      (sum, name) => sum + number(result, name),
      0,
    ),
  }))
}

/** Bytes of both processes, before and after. */
export interface Kept {
  readonly uac: { readonly before: number; readonly after: number }
  readonly uas: { readonly before: number; readonly after: number }
  /** What is still there at the end that should be gone, by the name of its gauge, of both. */
  readonly left: Readonly<Record<string, number>>
}

export interface Held {
  readonly what: 'registrations' | 'dialogs' | 'growth'
  readonly count: number
  readonly traces: boolean
}

export async function memoryOf({ what, count, traces }: Held): Promise<Kept> {
  const { process: uas, port } = await startUas('Ours', 'Peer', 'UDP', traces)
  await using _ = uas
  await using uac = await program('Measured', 'memory.ts', [
    ...['--what', what, '--port', String(port), '--count', String(count), ...(traces ? ['--traces'] : [])],
  ])
  for (const nth of [1, 2]) {
    await line(uac.child, 'memory', { count: nth, within: count / 1_000 + 300 })
    // Its transactions may last longer than ours: timer J is 32 s, timer K is 5.
    process.kill(uas.child.pid, 'SIGUSR2')
    await line(uas.child, 'memory', { count: nth, within: 60 })
    process.kill(uac.child.pid, 'SIGUSR2')
  }
  const done = await line(uac.child, 'done', { within: 10 })
  if (number(done, 'failed') > 0) throw new Error(`${number(done, 'failed')} calls failed while memory was measured`)
  const [ours, theirs] = [lines(uac.child.log(), 'memory'), lines(uas.child.log(), 'memory')]
  const bytes = (all: typeof ours, index: number): number => {
    const snapshot = all[index] ?? {}
    return number(snapshot, 'heap') + number(snapshot, 'buffers')
  }
  const left = (all: typeof ours, side: string) =>
    Object.entries(all[1] ?? {})
      .filter(([name]) => !['event', 'items', 'heap', 'buffers', 'rss'].includes(name))
      .map(([name, value]): [string, number] => [`${side} ${name}`, Number(value)])
  return {
    uac: { before: bytes(ours, 0), after: bytes(ours, 1) },
    uas: { before: bytes(theirs, 0), after: bytes(theirs, 1) },
    left: Object.fromEntries([...left(ours, 'UAC'), ...left(theirs, 'UAS')]),
  }
}
