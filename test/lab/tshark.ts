/** tshark as a reader of pcap files: fields of each record, as its dissectors see them without any option. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { commandPath } from './requirements.ts'

const run = promisify(execFile)

/** One row a record, with the fields as asked; what a record lacks is empty. */
export async function readPcap(path: string, fields: readonly string[]): Promise<Record<string, string>[]> {
  const { stdout } = await run(commandPath('tshark'), [
    ...['-r', path, '-T', 'fields', '-E', 'separator=/t', '-E', 'occurrence=f'],
    ...fields.flatMap((field) => ['-e', field]),
  ])
  const lines = stdout.split('\n').slice(0, -1)
  return lines.map((line) => {
    const values = line.split('\t')
    return Object.fromEntries(fields.map((field, index) => [field, values[index] ?? '']))
  })
}
