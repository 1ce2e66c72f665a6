/** Puts the REST API together: server limits, who may ask, routes, and every error as JSON. What is shown comes from outside. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { fastify } from 'fastify'
import type { Socket } from 'node:net'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { token as randomToken } from '../../lib/random.ts'
import type { Random } from '../../lib/random.ts'
import type { User } from '../cluster/access.ts'
import { send } from './answer.ts'
import { deliveryRoutes } from './deliveries.ts'
import { apiErrors, failure, failureOf, later } from './errors.ts'
import { executionRoutes } from './executions.ts'
import type { GuardOptions } from './guard.ts'
import { createGuard } from './guard.ts'
import { RateLimit } from './rate-limit.ts'
import { resourceRoutes } from './resources.ts'
import { createRouter } from './router.ts'
import type { World } from './world.ts'

export interface ApiOptions extends GuardOptions {
  world: World
  clock: Clock
  random: Random
  /** Of one client address. Default: 50 a second, 200 at once. */
  rateLimit?: { perSecond: number; burst: number }
}

const BODY_LIMIT = 64 * 1024
const HEADER_LIMIT = 16 * 1024
/** A request must be here within this time, milliseconds. */
const REQUEST_TIMEOUT = 10_000
const HEADERS_TIMEOUT = 5_000
const KEEP_ALIVE = 5_000
/** No name is longer (RFC 1123 subdomain: 253). */
const LONGEST_PARAMETER = 256

/** Serves nothing until it is bound: `await api.ready()`, then `listen(api.server, ...)` of lib/http.ts; `api.close()` ends it. */
export function createApi(options: ApiOptions): FastifyInstance {
  const { clock, log, random, world } = options
  const guard = createGuard(options)
  const limit = new RateLimit(clock, options.rateLimit ?? { perSecond: 50, burst: 200 })
  const users = new WeakMap<FastifyRequest, User>()
  const api = fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT,
    keepAliveTimeout: KEEP_ALIVE,
    http: { headersTimeout: HEADERS_TIMEOUT, maxHeaderSize: HEADER_LIMIT },
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    requestIdHeader: false,
    genReqId: () => randomToken(random, 16),
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, _request, reply) => void send(reply, failureOf(error)),
  })

  api.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS).header('x-request-id', request.id)
    const wait = limit.take(request.ip)
    if (wait > 0) return send(reply, later('TooManyRequests', `Too many requests: try again in ${wait} s.`, wait))
    const { authorization, host, origin } = request.headers
    const admitted = await guard.admit({ method: request.method, authorization, host, origin })
    if (admitted.kind === 'Failure') return send(reply, admitted)
    users.set(request, admitted)
    return undefined
  })
  api.addHook('onResponse', async (request, reply) => {
    const { id, method, url } = request
    const line = {
      ...{ requestId: id, user: users.get(request)?.name, method, path: pathOf(url), status: reply.statusCode },
      milliseconds: reply.elapsedTime,
    }
    // Who changed something is of interest afterwards, who looked is not.
    if (method === 'POST') log.info(line, 'answered')
    else log.debug(line, 'answered')
  })
  api.setErrorHandler((error, request, reply) => answerError(error, { request, reply, log }))
  api.setNotFoundHandler((request, reply) =>
    send(reply, failure('RouteNotFound', `There is no ${pathOf(request.url)}; the API begins at /api/v1.`)),
  )

  const router = createRouter(api, '/api/v1', async (request, needed) => {
    const user = users.get(request)
    if (!user) throw new Error('a request that nobody admitted reached a route')
    return guard.refuse(user, needed)
  })
  resourceRoutes(router, world)
  executionRoutes(router, world)
  deliveryRoutes(router, world)
  return api
}

/** Answers are for programs and are not kept; a browser that is led here does nothing with them. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
} as const

const pathOf = (url: string): string => url.split('?')[0] ?? url

function answerError(
  error: unknown,
  { request, reply, log }: { request: FastifyRequest; reply: FastifyReply; log: Log },
): FastifyReply {
  const refused = failureOf(error)
  if (apiErrors[refused.code].status >= 500)
    log.error({ error, requestId: request.id, method: request.method, path: pathOf(request.url) }, 'request failed')
  return send(reply, refused)
}

/** What is not HTTP at all has no request, and so no id. */
function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const code = error.code === 'HPE_HEADER_OVERFLOW' ? 'HeadersTooLarge' : 'InvalidRequest'
  const { status, meaning } = apiErrors[code]
  const body = JSON.stringify({ error: { code, message: meaning, details: null }, meta: {} })
  const reason = status === 431 ? 'Request Header Fields Too Large' : 'Bad Request'
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  )
}
