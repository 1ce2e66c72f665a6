import Fastify from 'fastify'
export function startStatusPages(_: object) { return { server: Fastify(), invalidate: (_key: object) => undefined, [Symbol.asyncDispose]: async () => undefined } }
