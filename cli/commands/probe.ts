/** `ringcheck probe run`: one execution of a probe now, by a running Ringcheck, and what came of it. */
import { z } from 'zod'
import { healths, parseDuration } from '../../crds/index.ts'
import { sleep, systemClock } from '../../lib/clock.ts'
import { connect, urlFlag } from '../api.ts'
import type { Command } from '../command.ts'
import { UsageError } from '../command.ts'
import { exitCodes } from '../exit.ts'
import { coloured, formatOf, outputFlag, print } from '../output.ts'

const execution = z.looseObject({
  id: z.string(),
  /** Null: Ringcheck stopped it itself. */
  level: z.enum(healths).nullable(),
  reason: z.string(),
  message: z.string(),
})

/** Milliseconds between two looks. */
const PAUSE = 500

export const probe: Command = {
  name: 'probe',
  usage: 'run NAME [flags]',
  description:
    'Starts the probe at once, or right after the round that is running, and waits for the result. The exit code is that of this execution.',
  flags: {
    namespace: { value: 'NAME', default: 'default', help: 'Namespace' },
    timeout: { value: 'DURATION', default: '15m', help: 'How long to wait for the result' },
    output: outputFlag,
    url: urlFlag,
  },
  examples: [['probe run head-office --namespace sales', 'after a deployment: does the line still work?']],
  positionals: { least: 2, most: 2 },
  async run(words, terminal) {
    const format = formatOf(words)
    const [what = '', name = ''] = words.positionals
    if (what !== 'run') throw new UsageError(`there is no ${what} of a probe; there is: run`)
    const timeout = words.text('timeout') ?? ''
    const patience = parseDuration(timeout)
    if (patience === undefined) throw new UsageError(`--timeout ${timeout}: must be a duration such as 90s or 15m`)
    const api = connect(words, terminal)
    const path = `/projects/${encodeURIComponent(words.text('namespace') ?? 'default')}/probes/${encodeURIComponent(name)}`
    const { executionId } = await api.post(`${path}/run`, z.object({ executionId: z.string() }))
    terminal.err(`${name} executes: ${executionId}\n`)
    const deadline = systemClock.monotonic() + patience
    for (;;) {
      const found = await api.find(`${path}/executions/${encodeURIComponent(executionId)}`, execution)
      if (found) {
        const level = found.level ?? 'Unknown'
        print(terminal, format, found, () => `${coloured(terminal, level)}: ${found.reason}. ${found.message}\n`)
        return exitCodes[level]
      }
      if (terminal.signal.aborted || systemClock.monotonic() > deadline)
        throw new Error(`${executionId} has no result yet; later: ringcheck trace ${executionId}`)
      await sleep(systemClock, PAUSE, terminal.signal)
    }
  },
}
