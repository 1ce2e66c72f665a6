/** `ringcheck serve`: the operator over a folder of YAML, until it is told to stop. */
import type { z } from 'zod'
import type { Health } from '../../crds/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { formatAddress } from '../../lib/http.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { LocalConfig } from '../../operator/config.ts'
import type { Operator } from '../../operator/operator.ts'
import { startLocalOperator } from '../../operator/local.ts'
import { problemLine } from '../../crds/index.ts'
import type { Command, Flag, Terminal, Words } from '../command.ts'
import { UsageError } from '../command.ts'
import { USAGE, exitCodes, worst } from '../exit.ts'
import { LiveTable } from '../live-table.ts'
import { formatOf, outputFlag, print } from '../output.ts'
import { stopped } from './respond.ts'
import { healthOf, probeTable } from './get.ts'

export const serveFlags: Readonly<Record<string, Flag>> = {
  api: { value: 'HOST:PORT', default: '127.0.0.1:8080', help: 'REST API; off loopback it needs RINGCHECK_TOKEN' },
  pages: { value: 'HOST:PORT', default: '127.0.0.1:8081', help: 'Public status pages' },
  admin: { value: 'HOST:PORT', default: '127.0.0.1:9464', help: 'Health and metrics' },
  'public-url': { value: 'URL', help: 'Where readers reach the status pages, for links in webhooks' },
  'dashboard-url': { value: 'URL', help: 'Where people look at a probe, for links in webhooks' },
  data: {
    value: 'FOLDER',
    default: './.ringcheck',
    help: 'History store; with RINGCHECK_DATABASE_URL that is PostgreSQL',
  },
}

export const serve: Command = {
  name: 'serve',
  usage: 'DIR [flags]',
  description:
    'Reads and watches DIR: a change of a file is followed, a broken file is reported and what was good before stays in force. Stops at SIGTERM: calls are hung up, registrations removed.',
  flags: {
    ...serveFlags,
    once: { help: 'Every probe one execution, print the table, exit by the worst health; 3: a file is broken' },
    output: outputFlag,
  },
  examples: [
    ['serve config/samples', 'the samples, with ringcheck respond running beside it'],
    ['serve probes --once --output json', 'for a CI job'],
  ],
  positionals: { least: 1, most: 1 },
  async run(words, terminal) {
    const format = formatOf(words)
    const once = words.has('once')
    using _deadline = stopDeadline(terminal)
    await using operator = await start(words, terminal, words.positionals[0] ?? '', !once)
    if (!once) {
      await watch(operator, terminal)
      return 0
    }
    const problems = operator.cluster.problems()
    for (const problem of problems) terminal.err(`${problemLine(problem)}\n`)
    await executeOnce(operator, terminal)
    const probes = probesOf(operator)
    print(terminal, format, probes, () => probeTable(probes, terminal, systemClock.now()))
    return problems.length > 0 ? USAGE : exitCodes[worst(probes.map(healthOf))]
  },
}

/** Milliseconds from the signal to the end of the process at the latest. */
const STOP_WITHIN = 9_500

/** From the signal on, whatever hangs does not hang us: the store is safe at any moment. Dispose it when everything has ended. */
export function stopDeadline(terminal: Terminal): Disposable {
  const { signal } = terminal
  const timers = new DisposableStack()
  const arm = () =>
    timers.use(
      systemClock.timer(STOP_WITHIN, () => {
        terminal.err('not everything ended in time\n')
        process.exit(1)
      }),
    )
  signal.addEventListener('abort', arm, { once: true })
  timers.defer(() => signal.removeEventListener('abort', arm))
  return timers
}

/** What is a secret is no flag: other users of the machine see those. */
const secretVariables = { token: 'RINGCHECK_TOKEN', databaseUrl: 'RINGCHECK_DATABASE_URL' } as const

/** Starts the operator as the words say. */
export async function start(words: Words, terminal: Terminal, folder: string, scheduled: boolean): Promise<Operator> {
  const config = LocalConfig.safeParse({
    folder,
    scheduled,
    ...Object.fromEntries(Object.keys(serveFlags).map((flag) => [keyOf(flag), words.text(flag)])),
    ...Object.fromEntries(
      Object.entries(secretVariables).flatMap(([key, name]) => {
        const value = terminal.environment[name]
        return value === undefined ? [] : [[key, value]]
      }),
    ),
  })
  if (!config.success) throw new UsageError(config.error.issues.map(issueText).join('; '))
  return startLocalOperator({
    config: config.data,
    entry: process.argv[1] ?? '',
    agentLog: { level: terminal.interactive ? 'error' : 'warn', pretty: terminal.interactive },
    clock: systemClock,
    random: systemRandom,
    log: createLog({ name: 'operator', level: terminal.interactive ? 'warn' : 'info', pretty: terminal.interactive }),
  })
}

/** `public-url` -> `publicUrl` */
const keyOf = (flag: string): string => flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())

/** The flag and what is wrong with its value; a rule over several names them itself. */
function issueText({ path, message }: z.core.$ZodIssue): string {
  const flag = Object.keys(serveFlags).find((candidate) => keyOf(candidate) === path[0])
  return flag === undefined ? message : `--${flag} ${message}`
}

/** Prints where everything is, then the table as it changes: in place on a terminal, a line for each change elsewhere. */
export async function watch(operator: Operator, terminal: Terminal, footer = () => ''): Promise<void> {
  const { api, pages, admin } = operator.addresses
  const statusPages = operator.cluster.list('StatusPage').map(({ metadata, spec }) => {
    return `Status page  http://${formatAddress(pages)}/status/${metadata.namespace}/${spec.slug ?? metadata.name}\n`
  })
  terminal.out(`API          http://${formatAddress(api)}/api/v1/projects/default/probes\n`)
  terminal.out(statusPages.join(''))
  terminal.out(`Metrics      http://${formatAddress(admin)}/metrics\n\n`)
  using table = new LiveTable(terminal, systemClock, () => probesOf(operator), footer)
  table.start()
  await stopped(terminal)
  terminal.err('stopping: calls are hung up, registrations removed\n')
}

/** The probes with their status, as the API shows them. */
export function probesOf({ cluster }: Operator) {
  return cluster.list('SipProbe').map(({ metadata, spec }) => {
    const status = cluster.status('SipProbe', metadata)
    return { metadata, spec, ...(status && { status }) }
  })
}

async function executeOnce(operator: Operator, terminal: Terminal): Promise<void> {
  const rounds = operator.cluster.list('SipProbe').map(async ({ metadata }) => {
    const started = await operator.runNow(metadata)
    await started?.finished
    const health: Health = operator.cluster.status('SipProbe', metadata)?.health ?? 'Unknown'
    terminal.err(`${metadata.name} ${health}\n`)
  })
  await Promise.race([Promise.all(rounds), stopped(terminal)])
}
