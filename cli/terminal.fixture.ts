/** A command line run as a function, for tests: what it printed and its exit code. */
import { main } from './main.ts'

interface Said {
  code: number
  out: string
  err: string
}

/** Where nothing answers, unless the words say otherwise. */
export const run = (...words: string[]): Promise<Said> => runIn({ RINGCHECK_URL: 'http://127.0.0.1:1' }, ...words)

export async function runIn(environment: Readonly<Record<string, string>>, ...words: string[]): Promise<Said> {
  const said = { out: '', err: '' }
  const code = await main(words, {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    interactive: false,
    colours: false,
    signal: new AbortController().signal,
    environment,
  })
  return { code, ...said }
}
