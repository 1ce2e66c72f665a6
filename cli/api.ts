/** The command line's view of a running Ringcheck: requests with an answer that is parsed, or one sentence why not. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Terminal, Words } from './command.ts'

export const urlFlag = {
  value: 'URL',
  help: 'Where Ringcheck runs; also RINGCHECK_URL (default http://127.0.0.1:8080). It may ask for RINGCHECK_TOKEN, on Kubernetes one of kubectl create token, or for RINGCHECK_TOKEN_FILE, which names a file that holds it',
} as const

const DEFAULT_URL = 'http://127.0.0.1:8080'
const TIMEOUT = 10_000

const failure = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

export interface Api {
  url: string
  /** The `data` of the answer. Throws an Error with a sentence for people, as all of these do. */
  get<Data>(path: string, data: z.ZodType<Data>): Promise<Data>
  /** The same, or undefined where there is no such thing (404). */
  find<Data>(path: string, data: z.ZodType<Data>): Promise<Data | undefined>
  /** Every item of a list, page by page. */
  list<Item>(path: string, item: z.ZodType<Item>): Promise<Item[]>
  /** The `data` of the answer to a POST without a body. */
  post<Data>(path: string, data: z.ZodType<Data>): Promise<Data>
  text(path: string): Promise<string>
  bytes(path: string): Promise<Buffer>
}

const PER_PAGE = 100

export function connect(words: Words, { environment }: Terminal): Api {
  const url = (words.text('url') ?? environment['RINGCHECK_URL'] ?? DEFAULT_URL).replace(/\/$/, '')
  const file = environment['RINGCHECK_TOKEN_FILE']
  // A pod has it as a file.
  const token = environment['RINGCHECK_TOKEN'] ?? (file === undefined ? undefined : readFileSync(file, 'utf8').trim())
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }

  async function ask(path: string, method = 'GET'): Promise<{ status: number; content: Buffer; text: string }> {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers,
      signal: AbortSignal.timeout(TIMEOUT),
    }).catch((cause: unknown) => {
      throw new Error(`nothing answers at ${url}: is ringcheck serve running? Another address: --url URL`, { cause })
    })
    const content = Buffer.from(await response.arrayBuffer())
    const text = content.toString()
    if (response.status === 401) {
      if (token === undefined) throw new Error(`${url} asks for a token: set RINGCHECK_TOKEN`)
      throw new Error(`${url} does not take this RINGCHECK_TOKEN. ${sentence(response.status, text)}`)
    }
    if (!response.ok && response.status !== 404) throw new Error(sentence(response.status, text))
    return { status: response.status, content, text }
  }

  async function found(path: string, method = 'GET'): Promise<{ content: Buffer; text: string }> {
    const answer = await ask(path, method)
    if (answer.status === 404) throw new Error(sentence(answer.status, answer.text))
    return answer
  }
  const text = async (path: string): Promise<string> => (await found(path)).text

  const dataOf = <Data>(body: string, data: z.ZodType<Data>): Data => z.object({ data }).parse(JSON.parse(body)).data

  return {
    url,
    text,
    bytes: async (path) => (await found(path)).content,
    post: async (path, data) => dataOf((await found(path, 'POST')).text, data),
    get: async (path, data) => dataOf(await text(path), data),
    async find(path, data) {
      const answer = await ask(path)
      return answer.status === 404 ? undefined : dataOf(answer.text, data)
    },
    async list(path, item) {
      const items = []
      for (let page = 1; ; page++) {
        const part = dataOf(await text(`${path}?page=${page}&perPage=${PER_PAGE}`), z.array(item))
        items.push(...part)
        if (part.length < PER_PAGE) return items
      }
    },
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
