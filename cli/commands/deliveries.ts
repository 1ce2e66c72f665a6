/** `ringcheck deliveries`: the log of the webhooks of a running Ringcheck; one of them with its attempts, or sent again. */
import { z } from 'zod'
import { systemClock } from '../../lib/clock.ts'
import { connect, urlFlag } from '../api.ts'
import type { Command } from '../command.ts'
import { UsageError } from '../command.ts'
import { age, formatOf, outputFlag, print, table } from '../output.ts'

const delivery = z.looseObject({
  id: z.number(),
  webhook: z.string(),
  probe: z.object({ namespace: z.string(), name: z.string() }),
  newStatus: z.string(),
  state: z.string(),
  attempts: z.number(),
  createdAt: z.string(),
  responseCode: z.number().nullable(),
  error: z.string().nullable(),
})
const attempt = z.object({ at: z.string(), responseCode: z.number().nullable(), error: z.string().nullable() })
const withLog = delivery.extend({ log: z.array(attempt) })

/** As many as the API gives at once: the newest. */
const SHOWN = 100

export const deliveries: Command = {
  name: 'deliveries',
  usage: '[ID] [flags]',
  description:
    'The newest deliveries of all webhooks; with an ID that one, with the time and the response code of each attempt. A replay goes out under the same webhook-id, whatever became of the delivery before.',
  flags: {
    namespace: {
      value: 'NAME',
      help: 'Those of its probes (default: of all namespaces, which needs the right to list all)',
    },
    replay: { help: 'Send it once more' },
    output: outputFlag,
    url: urlFlag,
  },
  examples: [
    ['deliveries', 'the log'],
    ['deliveries 12', 'one delivery and its attempts'],
    ['deliveries 12 --replay', 'after the receiver was mended'],
  ],
  positionals: { least: 0, most: 1 },
  async run(words, terminal) {
    const format = formatOf(words)
    const [id] = words.positionals
    const api = connect(words, terminal)
    if (id === undefined) {
      if (words.has('replay')) throw new UsageError('--replay needs the ID of a delivery')
      const namespace = words.text('namespace')
      const of = namespace === undefined ? '' : `&namespace=${encodeURIComponent(namespace)}`
      const found = await api.get(`/deliveries?perPage=${SHOWN}${of}`, z.array(delivery))
      print(terminal, format, found, () => logTable(found))
      return 0
    }
    const path = `/deliveries/${encodeURIComponent(id)}`
    if (words.has('replay')) {
      await api.post(`${path}/replay`, z.object({ id: z.number() }))
      terminal.err(`delivery ${id} is sent once more\n`)
    }
    const found = await api.get(path, withLog)
    print(terminal, format, found, () => `${logTable([found])}\n${attemptTable(found.log)}`)
    return 0
  },
}

function logTable(found: ReadonlyArray<z.infer<typeof delivery>>): string {
  const now = systemClock.now()
  return table(
    ['ID', 'PROBE', 'WEBHOOK', 'TELLS', 'STATE', 'ATTEMPTS', 'AGE', 'LAST ANSWER'],
    found.map(({ id, probe, webhook, newStatus, state, attempts, createdAt, responseCode, error }) => [
      ...[String(id), `${probe.namespace}/${probe.name}`, webhook, newStatus, state, String(attempts)],
      age(now - Date.parse(createdAt)),
      answered({ responseCode, error }),
    ]),
  )
}

function attemptTable(log: ReadonlyArray<z.infer<typeof attempt>>): string {
  return table(
    ['AT', 'ANSWER'],
    log.map(({ at, ...answer }) => [at, answered(answer)]),
  )
}

const answered = ({ responseCode, error }: { responseCode: number | null; error: string | null }): string =>
  error ?? (responseCode === null ? '-' : `HTTP ${responseCode}`)
