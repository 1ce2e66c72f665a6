/** The built-in target as a whole: one SIP port, its calls, its registrar and its record, from start to stop. Not a command line. */
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import { createMediaEngine } from '../media/index.ts'
import { createNativeEngine } from '../sip/index.ts'
import type { IncomingCall } from '../sip/index.ts'
import type { Account } from './accounts.ts'
import { answerCall } from './answer.ts'
import { Bindings } from './bindings.ts'
import { callRepeatedly } from './caller.ts'
import type { Calling } from './caller.ts'
import type { Context } from './conversation.ts'
import { openRecord } from './record.ts'
import { createRegistrar } from './registrar.ts'
import type { RegistrarOptions } from './registrar.ts'

export interface ResponderOptions {
  /** An IP address, and a port for UDP and TCP; 0: any free ones, which are not the same for both. */
  listen: { host: string; port: number }
  /** Realm of the registrar, and the host in our own address-of-record. Default: the address it listens on. */
  domain?: string
  /** Who may register. */
  accounts: readonly Account[]
  /**
   * Digest algorithms that the registrar offers, the preferred one first (RFC 8760). Default SHA-256 and MD5. Some phones give up on a
   * challenge that they do not know instead of taking the other one: they need MD5 alone.
   */
  algorithms?: RegistrarOptions['algorithms']
  /** Whom to call once they are registered. */
  calls?: readonly Calling[]
  /** File that the record is appended to; absent: there is none. */
  record?: string
  /** Calls at once, ringing ones among them; above it: 503. Default 1000. */
  mostCalls?: number
  clock: Clock
  random: Random
  log: Log
}

export interface Responder extends AsyncDisposable {
  /** The UDP port in use. Disposing hangs up every call, writes the record to its end and closes the port. */
  readonly port: number
}

const USER_AGENT = 'ringcheck-responder'

/** Starts to listen. Throws when the port is in use, or the record cannot be opened. */
export async function startResponder(options: ResponderOptions): Promise<Responder> {
  const { listen, domain = listen.host, accounts, algorithms = ['SHA-256', 'MD5'] } = options
  const { calls = [], mostCalls = 1000, clock, random, log } = options
  await using stack = new AsyncDisposableStack()
  const record = options.record === undefined ? undefined : stack.use(await openRecord(options.record))
  const media = stack.use(createMediaEngine({ clock, random }))
  const { host, port } = listen
  const ports = { UDP: port, TCP: port }
  const engine = stack.use(await createNativeEngine({ clock, random, host, ports, userAgent: USER_AGENT, log }))

  const stopping = new AbortController()
  const context: Context = { engine, media, clock, random, log, ...(record && { record }), stopping: stopping.signal }
  const bindings = new Bindings(clock)
  const running = new Set<Promise<void>>()
  const track = (work: Promise<void>): void => {
    running.add(work)
    void work.finally(() => running.delete(work))
  }
  stack.defer(async () => {
    stopping.abort()
    await Promise.all(running)
  })

  let active = 0
  const answerBounded = async (incoming: IncomingCall): Promise<void> => {
    if (active >= mostCalls) return incoming.reject(503)
    active++
    try {
      await answerCall(incoming, context)
    } catch (error) {
      log.error({ error, callId: incoming.callId }, 'a call could not be answered')
      incoming.reject(500)
    } finally {
      active--
    }
  }
  stack.use(engine.onInvite(undefined, (incoming) => track(answerBounded(incoming))))
  const registrar = createRegistrar({ realm: domain, algorithms, accounts, bindings, clock, random })
  stack.use(engine.onRequest('REGISTER', registrar))
  for (const calling of calls) track(callRepeatedly(calling, { ...context, bindings, domain }))

  const owned = stack.move()
  return { port: engine.ports.UDP, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
