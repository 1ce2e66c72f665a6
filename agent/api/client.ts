/** The operator's side of the agent's API: starts runs and follows them through lost connections. It chooses no agent. */
import { Agent, request } from 'undici'
import type { Dispatcher } from 'undici'
import { z } from 'zod'
import type { BackoffLimits } from '../../lib/backoff.ts'
import { backoff } from '../../lib/backoff.ts'
import type { Clock } from '../../lib/clock.ts'
import { sleep } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import { RunEvent } from './protocol.ts'
import type { RunPlan } from './protocol.ts'

export interface ClientOptions {
  /** `https://HOST:PORT`; the host is in the agent's certificate. */
  url: string
  /** PEM. */
  ca: string
  key: string
  certificate: string
  clock: Clock
  random: Random
}

export type StartAnswer =
  | { kind: 'Accepted' }
  /** `code` is the HTTP status: 400 a bad plan, 409 another plan or an old epoch, 503 full or going away. */
  | { kind: 'Refused'; code: number; message: string }
  /** Not answered, also when asked again: nobody knows whether it runs. */
  | { kind: 'Unreachable'; detail: string }

/** What following a run gives. `Lost` is the last one: the agent is gone, or knows the run no more. */
export type Followed = { kind: 'Event'; event: RunEvent } | { kind: 'Lost'; detail: string }

export interface AgentClient extends AsyncDisposable {
  /** Safe to call again with the same plan. */
  start(plan: RunPlan): Promise<StartAnswer>
  /** Events after number `after`, each once and in order, up to End; or up to `Lost`. Ends silently when the signal aborts. */
  events(id: string, after: number, signal: AbortSignal): AsyncGenerator<Followed, void>
  /** False: it was not heard. */
  stop(id: string): Promise<boolean>
  acknowledge(id: string): Promise<boolean>
}

/** An agent on the same machine or in the same cluster answers within milliseconds. */
const ANSWER_TIMEOUT = 5000
/** The agent gives a sign of life every 5 s. */
const SILENCE_TIMEOUT = 15_000
const RETRY: BackoffLimits = { first: 50, longest: 1000 }
/** Attempts in a row without a byte: some 5 s. */
const ATTEMPTS = 8

export function createAgentClient(options: ClientOptions): AgentClient {
  const { url, ca, key, certificate, clock, random } = options
  const dispatcher = new Agent({
    connect: { ca, key, cert: certificate, timeout: ANSWER_TIMEOUT },
    headersTimeout: ANSWER_TIMEOUT,
    bodyTimeout: SILENCE_TIMEOUT,
  })

  const send = (method: Dispatcher.HttpMethod, path: string, body?: object, signal?: AbortSignal) =>
    request(`${url}${path}`, {
      method,
      dispatcher,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      ...(signal && { signal }),
    })

  /** False: it was not heard, or refused. */
  const tell = async (method: Dispatcher.HttpMethod, path: string): Promise<boolean> => {
    try {
      const { statusCode, body } = await send(method, path)
      await body.dump()
      return statusCode < 300
    } catch {
      return false
    }
  }

  const start = async (plan: RunPlan): Promise<StartAnswer> => {
    for (let attempt = 1; ; attempt++) {
      try {
        const { statusCode, body } = await send('POST', '/v1/runs', plan)
        const answer: unknown = await body.json()
        if (statusCode < 300) return { kind: 'Accepted' }
        return { kind: 'Refused', code: statusCode, message: problem(answer) }
      } catch (error) {
        if (attempt === ATTEMPTS) return { kind: 'Unreachable', detail: reasonOf(error) }
        await sleep(clock, backoff(attempt, RETRY, random))
      }
    }
  }

  async function* events(id: string, after: number, signal: AbortSignal): AsyncGenerator<Followed, void> {
    let seq = after
    for (let attempt = 1; !signal.aborted; attempt++) {
      let detail = 'the stream ended early'
      try {
        const response = await send('GET', `/v1/runs/${id}/events?after=${seq}`, undefined, signal)
        if (response.statusCode !== 200) {
          const message = problem(await response.body.json())
          return yield { kind: 'Lost', detail: message }
        }
        for await (const line of linesOf(response.body)) {
          attempt = 0
          if (line === '') continue
          const { data: event } = RunEvent.safeParse(JSON.parse(line))
          if (!event) return yield { kind: 'Lost', detail: 'the agent said something that we do not understand' }
          if (event.seq <= seq) continue
          seq = event.seq
          yield { kind: 'Event', event }
          if (event.type === 'End') return
        }
      } catch (error) {
        detail = reasonOf(error)
      }
      if (attempt >= ATTEMPTS) return yield { kind: 'Lost', detail }
      await sleep(clock, backoff(attempt + 1, RETRY, random), signal)
    }
  }

  return {
    start,
    events,
    stop: (id) => tell('DELETE', `/v1/runs/${id}`),
    acknowledge: (id) => tell('POST', `/v1/runs/${id}/ack`),
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  }
}

/** Whole lines; what a cut connection left of the last one is dropped. */
async function* linesOf(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}

const refusal = z.object({ error: z.object({ message: z.string() }) })

function problem(body: unknown): string {
  const parsed = refusal.safeParse(body)
  return parsed.success ? parsed.data.error.message : 'the agent gave no reason'
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
