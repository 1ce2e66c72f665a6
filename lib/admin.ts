/** The plain port of operator and agent: health for kubelets and people, metrics for Prometheus. It changes nothing. */
import { Readable, pipeline } from 'node:stream'
import { constants, createGzip } from 'node:zlib'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import type { Clock } from './clock.ts'

export interface AdminOptions {
  clock: Clock
  /** The Prometheus text, in pieces. */
  metrics: () => AsyncIterable<string>
  /** Empty: ready. Otherwise why not, in words. */
  notReady: () => readonly string[]
  /** True from SIGTERM on. */
  draining: () => boolean
}

export function createAdmin({ clock, metrics, notReady, draining }: AdminOptions): FastifyInstance {
  const started = clock.monotonic()
  const server = Fastify({ logger: false, bodyLimit: 1024, requestTimeout: 10_000 })
  const uptime = () => Math.round((clock.monotonic() - started) / 1000)

  const health = () => ({ status: 'ok', uptime_seconds: uptime() })
  const readiness = () => {
    const reasons = draining() ? ['stopping'] : notReady()
    const status = draining() ? 'draining' : reasons.length > 0 ? 'starting' : 'ready'
    return { code: status === 'ready' ? 200 : 503, body: { status, reasons } }
  }
  for (const path of ['/healthz', '/admin/health']) server.get(path, () => health())
  for (const path of ['/readyz', '/admin/ready'])
    server.get(path, (_, reply) => {
      const { code, body } = readiness()
      return reply.code(code).send(body)
    })
  server.get('/metrics', (request, reply) => {
    reply.type('text/plain; version=0.0.4; charset=utf-8').header('vary', 'accept-encoding')
    // No piece is made before it is wanted: each is large.
    const text = Readable.from(metrics(), { highWaterMark: 1 })
    if (!takesGzip(request.headers['accept-encoding'])) return reply.send(text)
    return reply.header('content-encoding', 'gzip').send(zipped(text))
  })
  return server
}

/** As Prometheus does. (RFC 9110, 12.5.3) */
const takesGzip = (accepted: unknown): boolean =>
  String(accepted)
    .split(',')
    .some((each) => /^\s*gzip\s*(;\s*q=(1|0\.\d*[1-9])\d*\s*)?$/i.test(each))

/** A tenth of the octets or less, made by another thread; ends with its source, and its source with it. */
function zipped(text: Readable): Readable {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED })
  pipeline(text, gzip, () => undefined)
  return gzip
}
