/** The command line's view of a running Ringcheck: GET with an answer that is parsed, or one sentence why not. */
import { z } from 'zod'
import type { Terminal, Words } from './command.ts'

export const urlFlag = {
  value: 'URL',
  help: 'Where Ringcheck runs; also RINGCHECK_URL (default http://127.0.0.1:8080). Off loopback it asks for RINGCHECK_TOKEN',
} as const

const DEFAULT_URL = 'http://127.0.0.1:8080'
const TIMEOUT = 10_000

const failure = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

export interface Api {
  url: string
  /** The `data` of the answer. Throws an Error with a sentence for people. */
  get<Data>(path: string, data: z.ZodType<Data>): Promise<Data>
  text(path: string): Promise<string>
}

export function connect(words: Words, { environment }: Terminal): Api {
  const url = (words.text('url') ?? environment['RINGCHECK_URL'] ?? DEFAULT_URL).replace(/\/$/, '')
  const token = environment['RINGCHECK_TOKEN']
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }

  async function request(path: string): Promise<string> {
    const response = await fetch(`${url}/api/v1${path}`, { headers, signal: AbortSignal.timeout(TIMEOUT) }).catch(
      (cause: unknown) => {
        throw new Error(`nothing answers at ${url}: is ringcheck serve running? Another address: --url URL`, { cause })
      },
    )
    const text = await response.text()
    if (response.status === 401) {
      const what = token === undefined ? 'asks for a token: set RINGCHECK_TOKEN' : 'does not take this RINGCHECK_TOKEN'
      throw new Error(`${url} ${what}`)
    }
    if (!response.ok) throw new Error(sentence(response.status, text))
    return text
  }

  return {
    url,
    text: request,
    get: async (path, data) => z.object({ data }).parse(JSON.parse(await request(path))).data,
  }
}

function sentence(status: number, text: string): string {
  try {
    const { error } = failure.parse(JSON.parse(text))
    return `${error.message} (${error.code})`
  } catch {
    return `the API answered with HTTP status ${status}`
  }
}
