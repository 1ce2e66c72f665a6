/** The operator's side of the agent's API: starts runs and follows them through lost connections. It chooses no agent. */
import { createSecureContext } from 'node:tls'
import { Agent, buildConnector, request } from 'undici'
import type { Dispatcher } from 'undici'
import { z } from 'zod'
import type { BackoffLimits } from '../../lib/backoff.ts'
import { backoff } from '../../lib/backoff.ts'
import type { Clock } from '../../lib/clock.ts'
import { sleep } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import type { Credentials } from './credentials.ts'
import { EPOCH_HEADER, LeaderAnswer, PROTOCOL, RunEvent } from './protocol.ts'
import type { RunPlan, RunSummary } from './protocol.ts'

export interface ClientOptions {
  /** `https://HOST:PORT`. */
  url: string
  /** Asked for each new connection: they change while agents run. */
  credentials: () => Credentials
  /** A name in the agent's certificate. Default: the host of `url`. */
  serverName?: string
  /** Of the operator that leads: agents that heard of a newer one refuse it. Default: none is told, only that of each plan. */
  epoch?: number
  clock: Clock
  random: Random
}

export type StartAnswer =
  | { kind: 'Accepted' }
  /** `code` is the HTTP status: 400 a bad plan, 409 another plan or an old epoch, 503 full or going away. */
  | { kind: 'Refused'; code: number; message: string }
  /** Not answered, also when asked again: nobody knows whether it runs. */
  | { kind: 'Unreachable'; detail: string }

export type LeadAnswer =
  /** What it has, from leaders before. */
  | { kind: 'Led'; runs: readonly RunSummary[] }
  /** There is a newer leader. */
  | { kind: 'Refused'; message: string }
  /** It speaks another protocol than we do. */
  | { kind: 'OtherProtocol'; message: string }
  | { kind: 'Unreachable'; detail: string }

/** What following a run gives. `Lost` is the last one: the agent is gone, or knows the run no more. */
export type Followed = { kind: 'Event'; event: RunEvent } | { kind: 'Lost'; detail: string }

export interface AgentClient extends AsyncDisposable {
  /** Says that we lead, and asks what it has. Safe to call again. */
  lead(epoch: number): Promise<LeadAnswer>
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
/** Octets of one answer: many times what the longest run has to say. */
const LARGEST_ANSWER = 16 * 1024 * 1024
/** The agent gives a sign of life every 5 s. */
const SILENCE_TIMEOUT = 15_000
const RETRY: BackoffLimits = { first: 50, longest: 1000 }
/** Attempts in a row without a byte: some 5 s. */
const ATTEMPTS = 8

export function createAgentClient(options: ClientOptions): AgentClient {
  const { url, epoch, clock, random } = options
  const dispatcher = new Agent({
    connect: connectorOf(options),
    headersTimeout: ANSWER_TIMEOUT,
    bodyTimeout: SILENCE_TIMEOUT,
    maxResponseSize: LARGEST_ANSWER,
  })

  const send = (method: Dispatcher.HttpMethod, path: string, body?: object, signal?: AbortSignal) =>
    request(`${url}${path}`, {
      method,
      dispatcher,
      headers: {
        ...(body && { 'content-type': 'application/json' }),
        ...(epoch !== undefined && { [EPOCH_HEADER]: String(epoch) }),
      },
      ...(body && { body: JSON.stringify(body) }),
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

  /** Asked again, some 5 s long, until there is an answer. */
  const insist = async (method: Dispatcher.HttpMethod, path: string, body: object) => {
    for (let attempt = 1; ; attempt++) {
      try {
        const { statusCode: code, body: answer } = await send(method, path, body)
        return { kind: 'Answered' as const, code, answer: await answer.json() }
      } catch (error) {
        if (attempt === ATTEMPTS) return { kind: 'Unreachable' as const, detail: reasonOf(error) }
        await sleep(clock, backoff(attempt, RETRY, random))
      }
    }
  }

  const lead = async (ours: number): Promise<LeadAnswer> => {
    const outcome = await insist('PUT', '/v1/leader', { epoch: ours })
    if (outcome.kind === 'Unreachable') return outcome
    if (outcome.code === 409) return { kind: 'Refused', message: problem(outcome.answer) }
    const { data } = LeaderAnswer.safeParse(outcome.answer)
    if (data) return { kind: 'Led', runs: data.runs }
    return { kind: 'OtherProtocol', message: `It does not speak protocol ${PROTOCOL}.` }
  }

  const start = async (plan: RunPlan): Promise<StartAnswer> => {
    const outcome = await insist('POST', '/v1/runs', plan)
    if (outcome.kind === 'Unreachable') return outcome
    if (outcome.code < 300) return { kind: 'Accepted' }
    return { kind: 'Refused', code: outcome.code, message: problem(outcome.answer) }
  }

  async function* events(id: string, after: number, signal: AbortSignal): AsyncGenerator<Followed, void> {
    let seq = after
    let isOver = false
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
          // What comes after the last event is read: a connection whose answer is left off is of no use to the next run.
          if (line === '' || isOver) continue
          const { data: event } = RunEvent.safeParse(JSON.parse(line))
          if (!event) return yield { kind: 'Lost', detail: 'the agent said something that we do not understand' }
          if (event.seq <= seq) continue
          seq = event.seq
          isOver = event.type === 'End'
          yield { kind: 'Event', event }
        }
      } catch (error) {
        detail = reasonOf(error)
      }
      if (isOver) return
      if (attempt >= ATTEMPTS) return yield { kind: 'Lost', detail }
      await sleep(clock, backoff(attempt + 1, RETRY, random), signal)
    }
  }

  return {
    lead,
    start,
    events,
    stop: (id) => tell('DELETE', `/v1/runs/${id}`),
    acknowledge: (id) => tell('POST', `/v1/runs/${id}/ack`),
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  }
}

/** Connects with the credentials of the moment. */
function connectorOf({ credentials, serverName }: ClientOptions): buildConnector.connector {
  let known: { credentials: Credentials; connect: buildConnector.connector } | undefined
  return (target, callback) => {
    const present = credentials()
    if (known?.credentials !== present) {
      const { ca, key, certificate: cert } = present
      // Made once: it takes longer than the rest of a connection.
      const secureContext = createSecureContext({ ca, key, cert })
      known = { credentials: present, connect: buildConnector({ secureContext, timeout: ANSWER_TIMEOUT }) }
    }
    known.connect({ ...target, ...(serverName !== undefined && { servername: serverName }) }, callback)
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
