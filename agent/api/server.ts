/** The agent's door to the network: HTTPS with mutual TLS, where only the operator comes in. What a run is stands in runs.ts. */
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import fastify from 'fastify'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Log } from '../../lib/log.ts'
import type { Credentials } from './credentials.ts'
import { EPOCH_HEADER, Leader, PROTOCOL, RunPlan } from './protocol.ts'
import type { Runs } from './runs.ts'

export interface ServerOptions {
  runs: Runs
  log: Log
  credentials: Credentials
  /** Default 127.0.0.1 and a port that the system chooses. */
  host?: string
  port?: number
}

export interface AgentServer extends AsyncDisposable {
  readonly port: number
  /** Connections that come from now on see these; those that are there stay. Throws when key and certificate do not fit. */
  renew(credentials: Credentials): void
}

/** Of a plan; far more than one with every field at its bound. */
const LARGEST_BODY = 4 * 1024 * 1024
/** Seconds after which to try again: a call is over by then, or another agent is there. */
const RETRY_AFTER = 5

const id = z.object({ id: z.string().max(128) })
const epochOf = z.coerce.number().int().min(0)
const position = z.object({ after: z.coerce.number().int().min(0).default(0) })

/** Listens until it is disposed of; then open streams are cut. */
export async function startServer(options: ServerOptions): Promise<AgentServer> {
  const { runs, log, credentials, host = '127.0.0.1', port = 0 } = options
  const server = fastify({
    https: { ...contextOf(credentials), requestCert: true, rejectUnauthorized: true },
    bodyLimit: LARGEST_BODY,
  })
  // Node's own closeAllConnections() was seen to leave out TLS connections, for which the server then waits.
  const connections = new Set<Socket>()
  let closing = false
  server.server.on('connection', (socket: Socket) => {
    if (closing) return socket.destroy()
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  server.server.on('tlsClientError', (error: Error) => log.warn({ reason: error.message }, 'a client was refused'))
  server.setNotFoundHandler((_, reply) => refuse(reply, 404, { code: 'NotFound', message: 'There is no such path.' }))
  server.setErrorHandler((error, _, reply) => answerError(reply, error, log))
  server.addHook('onRequest', async (request, reply) => {
    // TLS has checked it already; this is for the day when somebody loosens the options above.
    if (!(request.socket as TLSSocket).authorized)
      return refuse(reply, 401, { code: 'NoCertificate', message: 'A certificate of the operator is required.' })
    // Whoever lost the lead without knowing it yet changes nothing here.
    const epoch = epochOf.safeParse(request.headers[EPOCH_HEADER]).data
    const message = `The request is of epoch ${epoch}, and there was a leader of ${runs.epoch}.`
    if (epoch !== undefined && epoch < runs.epoch) return refuse(reply, 409, { code: 'OldEpoch', message })
    return undefined
  })

  server.put('/v1/leader', async (request, reply) => {
    const refused = runs.lead(Leader.parse(request.body).epoch)
    return refused ? refuse(reply, 409, refused) : reply.send({ protocol: PROTOCOL, runs: runs.list() })
  })

  server.post('/v1/runs', async (request, reply) => {
    const plan = RunPlan.parse(request.body)
    const outcome = runs.start(plan)
    switch (outcome.kind) {
      case 'Started':
        return reply.code(201).send({ id: plan.id })
      case 'Known':
        return reply.code(200).send({ id: plan.id })
      case 'Conflict':
        return refuse(reply, 409, outcome)
      case 'Busy':
        return refuse(reply.header('retry-after', RETRY_AFTER), 503, outcome)
    }
  })

  server.get('/v1/runs', () => ({ runs: runs.list() }))

  server.get('/v1/runs/:id/events', async (request, reply) => {
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    const { after } = position.parse(request.query)
    const events = runs.follow(id.parse(request.params).id, after, gone.signal)
    if (!events) return noSuchRun(reply)
    return reply.type('application/x-ndjson').send(Readable.from(lines(events)))
  })

  server.delete('/v1/runs/:id', async (request, reply) =>
    runs.stop(id.parse(request.params).id) ? reply.code(202).send({}) : noSuchRun(reply),
  )

  server.post('/v1/runs/:id/ack', async (request, reply) => {
    const outcome = runs.acknowledge(id.parse(request.params).id)
    if (outcome === 'Forgotten') return reply.code(200).send({})
    return refuse(reply, 409, { code: 'Running', message: 'The run is not over.' })
  })

  await server.listen({ host, port })
  const bound = server.server.address()
  return {
    port: typeof bound === 'object' && bound ? bound.port : port,
    renew: (fresh) => server.server.setSecureContext(contextOf(fresh)),
    async [Symbol.asyncDispose]() {
      closing = true
      const closed = server.close()
      for (const socket of connections) socket.destroy()
      await closed
    },
  }
}

const contextOf = ({ key, certificate, ca }: Credentials) => ({
  key,
  cert: certificate,
  ca,
  minVersion: 'TLSv1.3' as const,
})

/** One event a line; an empty line is a sign of life. */
async function* lines(events: AsyncIterable<object | 'Idle'>): AsyncGenerator<string> {
  // An event may be long in coming: the headers go out with this one.
  yield '\n'
  for await (const event of events) yield event === 'Idle' ? '\n' : `${JSON.stringify(event)}\n`
}

interface Problem {
  code: string
  message: string
}

function refuse(reply: FastifyReply, status: number, { code, message }: Problem): FastifyReply {
  return reply.code(status).send({ error: { code, message } })
}

const noSuchRun = (reply: FastifyReply) => refuse(reply, 404, { code: 'NoSuchRun', message: 'There is no such run.' })

function answerError(reply: FastifyReply, error: unknown, log: Log): FastifyReply {
  // Names the fields, never what was in them: one of them is a password.
  if (error instanceof z.ZodError) {
    const message = error.issues.map((issue) => `${issue.path.join('.') || 'plan'}: ${issue.message}`).join('; ')
    return refuse(reply, 400, { code: 'InvalidPlan', message })
  }
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
  if (status >= 400 && status < 500)
    return refuse(reply, status, { code: 'BadRequest', message: 'It is not JSON, or too large.' })
  log.error({ error }, 'a request failed by a fault of ours')
  return refuse(reply, 500, { code: 'Internal', message: 'The agent failed; its log has the cause.' })
}
