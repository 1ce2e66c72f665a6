/** `ringcheck operator`: the operator on Kubernetes, as a pod runs it, until it is told to stop. */
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { parse } from 'yaml'
import type { z } from 'zod'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { OperatorConfig, fileKeys, fromEnvironment } from '../../operator/config.ts'
import { startKubernetesOperator } from '../../operator/kubernetes.ts'
import type { Command, Terminal } from '../command.ts'
import { stopped } from './respond.ts'
import { stopDeadline } from './serve.ts'

export const operator: Command = {
  name: 'operator',
  usage: '[flags]',
  description: `Calls for every SipProbe of the cluster whose kubeconfig or ServiceAccount it finds. The file holds ${fileKeys.join(', ')}; ${Object.values(fromEnvironment).join(', ')} come from the environment.`,
  flags: {
    config: { value: 'FILE', help: 'YAML; default: all defaults' },
    'print-config': { help: 'Print the configuration in force, without secrets, and end' },
  },
  examples: [
    ['operator --config /etc/ringcheck/config.yaml', 'as the chart starts it'],
    ['operator --print-config', 'what is in force'],
  ],
  positionals: { least: 0, most: 0 },
  async run(words, terminal) {
    const config = await configOf(words.text('config'), terminal)
    if (words.has('print-config')) {
      terminal.out(`${JSON.stringify(config, masking, 2)}\n`)
      return 0
    }
    const log = createLog({ name: 'operator', level: 'info', pretty: terminal.interactive })
    using _deadline = stopDeadline(terminal)
    await using _operator = await startKubernetesOperator({
      config,
      entry: process.argv[1] ?? '',
      clock: systemClock,
      random: systemRandom,
      log,
    })
    await stopped(terminal)
    return 0
  },
}

async function configOf(file: string | undefined, { environment }: Terminal): Promise<OperatorConfig> {
  const named = file ?? 'the environment'
  const written: unknown = file === undefined ? {} : (parse(await readFile(file, 'utf8')) ?? {})
  if (typeof written !== 'object' || written === null) throw new Error(`${named}: must hold keys and values`)
  const secret = Object.keys(fromEnvironment).find((key) => key in written)
  if (secret !== undefined) throw new Error(`${named}: ${secret}: is not taken from a file, but from the environment`)
  const given = Object.entries(fromEnvironment).flatMap(([key, name]) => {
    const value = environment[name]
    return value === undefined ? [] : [[key, value]]
  })
  // Without the name of a pod it must still be ours alone.
  const podName = `${hostname()}-${process.pid}`
  const parsed = OperatorConfig.safeParse({ podName, ...written, ...Object.fromEntries(given) })
  if (!parsed.success) throw new Error(parsed.error.issues.map((issue) => `${named}: ${issueText(issue)}`).join('; '))
  return parsed.data
}

function issueText(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    const at = issue.path.length === 0 ? `there are ${fileKeys.join(', ')}` : `in ${issue.path.join('.')}`
    return `${issue.keys.join(', ')}: unknown key ${at}`
  }
  return `${issue.path.join('.')}${issue.path.length > 0 ? ': ' : ''}${issue.message}`
}

const SECRETS = new Set(['databaseUrl'])

const masking = (key: string, value: unknown): unknown => (SECRETS.has(key) ? '[redacted]' : value)
