/** The messages that the fuzzer begins with: test/vectors/fuzz and the torture messages. It changes none. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const vectors = join(import.meta.dirname, '../../../test/vectors')

export interface Seed {
  name: string
  bytes: Buffer
}

export function readCorpus(): Seed[] {
  return ['fuzz', 'rfc4475', 'rfc5118'].flatMap((folder) =>
    readdirSync(join(vectors, folder))
      .filter((name) => /\.(?:sip|dat)$/.test(name))
      .toSorted()
      .map((name) => ({ name, bytes: readFileSync(join(vectors, folder, name)) })),
  )
}
