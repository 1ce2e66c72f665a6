/** The plain port of operator and agent: health for kubelets and people, metrics for Prometheus. It changes nothing. */
import { Readable } from 'node:stream'
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
  server.get('/metrics', (_, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(Readable.from(metrics())),
  )
  return server
}
