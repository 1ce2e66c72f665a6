/** `ringcheck get`: what is declared and how it is, read from a running Ringcheck. */
import { z } from 'zod'
import type { Health } from '../../crds/index.ts'
import { failureClasses, healths, problemLine } from '../../crds/index.ts'
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
          findings: z.array(z.string()).optional(),
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
              readonly findings?: readonly string[] | undefined
            }
          | undefined
      }
    | undefined
}

const condition = z.looseObject({ type: z.string(), status: z.string(), message: z.string() })
const object = z.looseObject({
  metadata: z.looseObject({ namespace: z.string(), name: z.string() }),
  status: z
    .looseObject({
      accounts: z.number().optional(),
      overall: z.string().optional(),
      url: z.string().optional(),
      conditions: z.array(condition).optional(),
    })
    .optional(),
})

const problem = z.object({
  file: z.string(),
  line: z.number(),
  column: z.number(),
  field: z.string(),
  message: z.string(),
})

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
    const api = connect(words, terminal)
    const read = async <Item>(item: z.ZodType<Item>): Promise<Item[]> =>
      name === undefined ? api.list(base, item) : [await api.get(`${base}/${encodeURIComponent(name)}`, item)]
    if (kind !== 'probes') {
      const found = await read(object)
      print(terminal, format, name === undefined ? found : found[0], () => objectTable(kind, found))
      return 0
    }
    const found = await read(probe)
    print(terminal, format, name === undefined ? found : found[0], () => probeTable(found, terminal, systemClock.now()))
    // What is in force is not what the files say.
    for (const broken of await api.get('/problems', z.array(problem))) terminal.err(`warning: ${problemLine(broken)}\n`)
    return exitCodes[worst(found.map(healthOf))]
  },
}

function objectTable(kind: string, objects: ReadonlyArray<z.infer<typeof object>>): string {
  const ready = ({ status }: z.infer<typeof object>) => status?.conditions?.find(({ type }) => type === 'Ready')
  const columns: ReadonlyArray<readonly [string, (each: z.infer<typeof object>) => string | undefined]> =
    kind === 'registrars'
      ? [['ACCOUNTS', ({ status }) => status?.accounts?.toString()]]
      : [
          ['OVERALL', ({ status }) => status?.overall],
          ['URL', ({ status }) => status?.url],
        ]
  return table(
    ['NAME', 'READY', ...columns.map(([title]) => title), 'MESSAGE'],
    objects.map((each) => [
      each.metadata.name,
      ready(each)?.status ?? '-',
      ...columns.map(([, value]) => value(each) ?? '-'),
      ready(each)?.message ?? '-',
    ]),
  )
}

export const healthOf = ({ status }: ShownProbe): Health => status?.health ?? 'Unknown'

const ours = (failureClass: string | undefined): boolean =>
  Object.entries(failureClasses).some(([name, { whose }]) => name === failureClass && whose === 'Ours')

/** The reason, and what was noticed of the audio unless the fault was ours. */
function said(status: ShownProbe['status']): string {
  const { failureClass, findings = [] } = status?.lastExecution ?? {}
  return [status?.reason ?? 'NeverRun', ...(ours(failureClass) ? [] : findings)].join(', ')
}

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
      said(status),
    ]
  })
  return table(['NAME', 'HEALTH', 'MOS', 'LOSS', 'RTT', 'LAST RUN', 'NEXT RUN', 'REASON'], rows)
}
