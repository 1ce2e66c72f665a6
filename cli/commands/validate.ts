/** `ringcheck validate`: checks manifests without a cluster and calls nobody. */
import { problemLine, validateFiles } from '../../crds/index.ts'
import type { Parsed } from '../../crds/index.ts'
import { unsupportedByProbe, unsupportedByRegistrar } from '../../operator/probes/supported.ts'
import type { Command } from '../command.ts'
import { formatOf, outputFlag, print } from '../output.ts'

export const validate: Command = {
  name: 'validate',
  usage: 'FILE... [flags]',
  description: 'Exit code 0: valid; 1: not. Warnings do not count.',
  flags: { output: outputFlag },
  examples: [['validate config/samples/base/*.yaml', 'all files of a folder']],
  positionals: { least: 1, most: Number.POSITIVE_INFINITY },
  async run(words, terminal) {
    const format = formatOf(words)
    const { problems, warnings, resources } = await validateFiles(words.positionals)
    print(terminal, format, { problems, warnings }, () =>
      problems.map((problem) => `${problemLine(problem)}\n`).join(''),
    )
    for (const { file, line, message } of warnings) terminal.err(`${file}:${line}: warning: ${message}\n`)
    for (const { file, line, resource } of resources) {
      const never = neverRuns(resource)
      if (never) terminal.err(`${file}:${line}: warning: this version will not call: ${never}\n`)
    }
    if (problems.length === 0) terminal.err(`${resources.length} resources are valid\n`)
    return problems.length === 0 ? 0 : 1
  },
}

/** Valid, and still no call would be made: better said now than at the first slot. */
function neverRuns(resource: Parsed['resource']): string | undefined {
  switch (resource.kind) {
    case 'SipRegistrar':
      return unsupportedByRegistrar(resource.spec)
    case 'SipProbe':
      return unsupportedByProbe(resource.spec)
    case 'SipLoadTest':
    case 'SipLoadTestRun':
      return 'it carries out no load tests.'
    case 'StatusPage':
    case 'Secret':
    case 'ConfigMap':
      return undefined
  }
}
