/** `ringcheck validate`: checks manifests without a cluster and calls nobody. */
import { problemLine, validateFiles } from '../../crds/validate.ts'
import type { Command } from '../command.ts'
import { formatOf, outputFlag, print } from '../output.ts'

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
    print(terminal, format, { problems, warnings }, () =>
      problems.map((problem) => `${problemLine(problem)}\n`).join(''),
    )
    for (const { file, line, message } of warnings) terminal.err(`${file}:${line}: warning: ${message}\n`)
    if (problems.length === 0) terminal.err(`${resources.length} resources are valid\n`)
    return problems.length === 0 ? 0 : 1
  },
}
