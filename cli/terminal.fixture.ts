/** A command line run as a function, for tests: what it printed and its exit code. */
import { main } from './main.ts'

export async function run(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const code = await main(words, {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    interactive: false,
    colours: false,
    signal: new AbortController().signal,
    environment: { RINGCHECK_URL: 'http://127.0.0.1:1' },
  })
  return { code, ...said }
}
