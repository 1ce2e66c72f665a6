/** The public server of the status pages: finds the rendered page and sends it. It computes nothing and knows no cookie. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { fastify } from 'fastify'
import { renderNotFound } from './render.ts'
import type { Document, RenderedPage } from './render.ts'

/** Undefined: there is no such page. */
export type FindPage = (key: { namespace: string; slug: string }) => RenderedPage | undefined

/** Nobody sends a body to these pages. */
const BODY_LIMIT = 1024
const HEADER_LIMIT = 16 * 1024
/** Milliseconds in which a request must be here. */
const REQUEST_TIMEOUT = 10_000
const HEADERS_TIMEOUT = 5_000
const KEEP_ALIVE = 5_000
const LONGEST_PARAMETER = 80

/** A transition shows within 2 s: whoever keeps a page asks again after the first of them. */
const CACHE = 'public, max-age=1, must-revalidate'

const TWIN = '.json'

/** Serves nothing until it is bound: `await server.ready()`, then `listen(server.server, ...)` of lib/http.ts. */
export function createPagesServer(find: FindPage): FastifyInstance {
  const notFound = renderNotFound()
  const server = fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT,
    keepAliveTimeout: KEEP_ALIVE,
    http: { headersTimeout: HEADERS_TIMEOUT, maxHeaderSize: HEADER_LIMIT },
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    frameworkErrors: (_error, _request, reply) => void refuse(reply, 400, notFound),
  })
  server.get<{ Params: { namespace: string; page: string } }>('/status/:namespace/:page', (request, reply) => {
    const { namespace, page } = request.params
    const isTwin = page.endsWith(TWIN)
    const found = find({ namespace, slug: isTwin ? page.slice(0, -TWIN.length) : page })
    if (found) return answer(request, reply, isTwin ? found.json : found.html)
    if (!isTwin) return refuse(reply, 404, notFound)
    return reply
      .code(404)
      .header('cache-control', CACHE)
      .send({ error: { code: 'PageNotFound', message: 'There is no page here.' } })
  })
  server.setNotFoundHandler((request, reply) => {
    if (request.method === 'GET' || request.method === 'HEAD') return refuse(reply, 404, notFound)
    return refuse(reply.header('allow', 'GET, HEAD'), 405, notFound)
  })
  server.setErrorHandler((_error, _request, reply) => refuse(reply, 400, notFound))
  return server
}

function answer(request: FastifyRequest, reply: FastifyReply, document: Document): FastifyReply {
  describe(reply, document).header('cache-control', CACHE).header('etag', document.etag)
  if (isKnown(request.headers['if-none-match'], document.etag)) return reply.code(304).send()
  const takesGzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
  return takesGzip ? reply.header('content-encoding', 'gzip').send(document.gzip) : reply.send(document.plain)
}

const refuse = (reply: FastifyReply, status: number, document: Document): FastifyReply =>
  describe(reply, document).code(status).header('cache-control', CACHE).send(document.plain)

function describe(reply: FastifyReply, { type, contentSecurityPolicy }: Document): FastifyReply {
  return reply.type(type).headers({
    vary: 'accept-encoding',
    'content-security-policy': contentSecurityPolicy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'interest-cohort=()',
  })
}

/** `If-None-Match` compares weakly (RFC 9110, 13.1.2). */
function isKnown(header: string | undefined, etag: string): boolean {
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '')
  return header?.split(',').some((tag) => tag.trim() === '*' || opaque(tag) === opaque(etag)) ?? false
}
