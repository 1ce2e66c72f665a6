/** The packets that the fuzzer begins with: test/vectors/fuzz-media. It changes none. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const PACKETS = join(import.meta.dirname, '../../../test/vectors/fuzz-media/packets.txt')

export function readCorpus(): Buffer[] {
  const lines = readFileSync(PACKETS, 'utf8').trimEnd().split('\n')
  return lines.map((line) => Buffer.from(line.split(' ')[1] ?? '', 'hex'))
}
