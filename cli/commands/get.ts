/** `ringcheck get`: what is declared and how it is, read from a running Ringcheck. */
import { z } from 'zod'
import type { Health } from '../../crds/index.ts'
import { failureClasses, healths } from '../../crds/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { connect, urlFlag } from '../api.ts'
import type { Command, Terminal } from '../command.ts'
import { UsageError } from '../command.ts'
import { exitCodes, worst } from '../exit.ts'
import { age, coloured, formatOf, measured, outputFlag, print, table } from '../output.ts'

const probe = z.looseObject({
  metadata: z.looseObject({ namespace: z.string(), name: z.string() }),
  spec: z.looseObject({}),
  status: z
    .looseObject({
      health: z.enum(healths).optional(),
      reason: z.string().optional(),
      message: z.string().optional(),
      nextExecutionTime: z.string().optional(),
      lastExecution: z
        .looseObject({
          finishedAt: z.string(),
          failureClass: z.string().optional(),
          metrics: z.record(z.string(), z.number()),
        })
        .optional(),
    })
    .optional(),
})

/** What is shown of a probe, wherever it was read from. */
export interface ShownProbe {
  readonly metadata: { readonly name: string }
  readonly status?:
    | {
        readonly health?: Health | undefined
        readonly reason?: string | undefined
        readonly nextExecutionTime?: string | undefined
        readonly lastExecution?:
          | {
              readonly finishedAt: string
              readonly failureClass?: string | undefined
              readonly metrics: Readonly<Partial<Record<string, number>>>
            }
          | undefined
      }
    | undefined
}

const object = z.looseObject({ metadata: z.looseObject({ namespace: z.string(), name: z.string() }) })

/** What may be asked for, with the words people use. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  probes: ['probes', 'probe', 'sipprobes', 'sipprobe', 'sprobe'],
  registrars: ['registrars', 'registrar', 'sipregistrars', 'sipregistrar', 'sipreg'],
  statuspages: ['statuspages', 'statuspage', 'spage'],
}

export const get: Command = {
  name: 'get',
  usage: '[KIND [NAME]] [flags]',
  description:
    'KIND is probes (the default), registrars or statuspages. The exit code is that of the worst health shown.',
  flags: {
    namespace: { value: 'NAME', default: 'default', help: 'Namespace' },
    output: outputFlag,
    url: urlFlag,
  },
  examples: [
    ['get', 'all probes, their health and their last figures'],
    ['get probe healthy --output yaml', 'one probe with everything that is known of it'],
  ],
  positionals: { least: 0, most: 2 },
  async run(words, terminal) {
    const format = formatOf(words)
    const [word = 'probes', name] = words.positionals
    const kind = Object.keys(KINDS).find((candidate) => KINDS[candidate]?.includes(word.toLowerCase()))
    if (!kind) throw new UsageError(`there is no kind ${word}; there are: ${Object.keys(KINDS).join(', ')}`)
    const base = `/projects/${encodeURIComponent(words.text('namespace') ?? 'default')}/${kind}`
    const path = name === undefined ? `${base}?perPage=100` : `${base}/${encodeURIComponent(name)}`
    const api = connect(words, terminal)
    if (kind !== 'probes') {
      const found = name === undefined ? await api.get(path, z.array(object)) : [await api.get(path, object)]
      print(terminal, format, name === undefined ? found : found[0], () =>
        table(
          ['NAMESPACE', 'NAME'],
          found.map(({ metadata }) => [metadata.namespace, metadata.name]),
        ),
      )
      return 0
    }
    const found = name === undefined ? await api.get(path, z.array(probe)) : [await api.get(path, probe)]
    print(terminal, format, name === undefined ? found : found[0], () => probeTable(found, terminal, systemClock.now()))
    return exitCodes[worst(found.map(healthOf))]
  },
}

export const healthOf = ({ status }: ShownProbe): Health => status?.health ?? 'Unknown'

const ours = (failureClass: string | undefined): boolean =>
  Object.entries(failureClasses).some(([name, { whose }]) => name === failureClass && whose === 'Ours')

/** @param now milliseconds since 1970, for the ages */
export function probeTable(probes: readonly ShownProbe[], terminal: Pick<Terminal, 'colours'>, now: number): string {
  const rows = probes.map(({ metadata, status }) => {
    const { lastExecution, nextExecutionTime } = status ?? {}
    // What we measured while the fault was ours says nothing of the target.
    const { mos, packetLoss, rtt } = ours(lastExecution?.failureClass) ? {} : (lastExecution?.metrics ?? {})
    return [
      metadata.name,
      coloured(terminal, status?.health ?? 'Unknown'),
      measured(mos, '', 2),
      measured(packetLoss, '%'),
      measured(rtt, 'ms'),
      lastExecution ? `${age(now - Date.parse(lastExecution.finishedAt))} ago` : '-',
      nextExecutionTime ? `in ${age(Date.parse(nextExecutionTime) - now)}` : '-',
      status?.reason ?? 'NeverRun',
    ]
  })
  return table(['NAME', 'HEALTH', 'MOS', 'LOSS', 'RTT', 'LAST RUN', 'NEXT RUN', 'REASON'], rows)
}
