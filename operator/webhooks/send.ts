/** One POST, and how it ended. It follows no redirect, tries nothing again and reads no more of the answer than it must. */
import { request } from 'undici'
import type { Dispatcher } from 'undici'
import type { Clock } from '../../lib/clock.ts'
import type { Attempt } from './retry.ts'

/** From the first byte of the connection to the answer's status, milliseconds. */
const TIMEOUT = 10_000
/** What is read of an answer's body so that the receiver can finish writing it; nothing of it is used. Bytes. */
const MOST_BODY = 16_384

export interface Post {
  url: URL
  headers: Record<string, string>
  body: string
}

export interface Means {
  dispatcher: Dispatcher
  clock: Clock
  /** Cuts the attempt off. */
  signal: AbortSignal
}

export async function send(post: Post, { dispatcher, clock, signal }: Means): Promise<Attempt> {
  const late = new AbortController()
  using _timer = clock.timer(TIMEOUT, () => late.abort())
  const either = AbortSignal.any([late.signal, signal])
  try {
    const { statusCode, headers, body } = await request(post.url, {
      method: 'POST',
      dispatcher,
      headers: { 'content-type': 'application/json', 'user-agent': 'ringcheck', ...post.headers },
      body: post.body,
      signal: either,
    })
    // The status has come; whether the rest does says nothing.
    await body.dump({ limit: MOST_BODY, signal: either }).catch(() => undefined)
    const retryAfter = headers['retry-after']
    return { kind: 'Answered', code: statusCode, ...(typeof retryAfter === 'string' && { retryAfter }) }
  } catch (error) {
    return { kind: 'Unanswered', error: late.signal.aborted ? 'no answer within 10 s' : described(error) }
  }
}

/** Codes and messages of the network; none holds more of the URL than its host. */
function described(error: unknown): string {
  if (!(error instanceof Error)) return 'the connection failed'
  // Several addresses were tried: the reasons are inside.
  if (error instanceof AggregateError && error.errors.length > 0) return described(error.errors[0])
  return error.message.slice(0, 200) || error.name
}
