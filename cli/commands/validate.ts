/** `ringcheck validate`: checks manifests without a cluster and calls nobody. */
import { validateFiles } from '../../crds/validate.ts'
import type { Command } from '../command.ts'
import { formatOf, outputFlag } from '../output.ts'

export const validate: Command = {
  name: 'validate',
  usage: 'FILE... [flags]',
  description: 'Exit code 0: valid; 1: not. Warnings do not count.',
  flags: { output: outputFlag },
  examples: [['validate config/samples/*.yaml', 'all files of a folder']],
  positionals: { least: 1, most: Number.POSITIVE_INFINITY },
  async run(words, terminal) {
    const format = formatOf(words)
    const { problems, warnings, resources } = await validateFiles(words.positionals)
    if (format !== 'table') {
      terminal.out(`${JSON.stringify({ problems, warnings }, null, 2)}\n`)
      return problems.length === 0 ? 0 : 1
    }
    for (const problem of problems) terminal.out(`${line(problem)}\n`)
    for (const warning of warnings) terminal.err(`warning: ${line(warning)}\n`)
    if (problems.length === 0) terminal.err(`${resources.length} resources are valid\n`)
    return problems.length === 0 ? 0 : 1
  },
}

interface Located {
  file: string
  line: number
  column: number
  field: string
  message: string
}

const line = ({ file, line: at, column, field, message }: Located): string =>
  `${file}:${at}:${column}: ${field === '' ? '' : `${field}: `}${message}`
