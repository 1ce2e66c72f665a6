/** Registers routes whose answers are values, and says 405 where a path exists but not with that method. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Answer } from './answer.ts'
import { send } from './answer.ts'
import { failure } from './errors.ts'

export type Handler = (request: FastifyRequest) => Answer | Promise<Answer>
type Method = 'GET' | 'POST'

export interface Router {
  /** `path` below the base; HEAD comes with GET. */
  on(path: string, handlers: Partial<Record<Method, Handler>>): void
}

export function createRouter(api: FastifyInstance, base: string): Router {
  return {
    on(path, handlers) {
      const url = base + path
      const allowed: string[] = []
      for (const [method, handler] of Object.entries(handlers)) {
        allowed.push(...(method === 'GET' ? ['GET', 'HEAD'] : [method]))
        api.route({ method, url, handler: async (request, reply) => send(reply, await handler(request)) })
      }
      api.route({
        method: api.supportedMethods.filter((method) => !allowed.includes(method)),
        url,
        // Before the body is read: whatever is in it, the method is wrong.
        onRequest: async ({ method }, reply) => {
          const refused = failure('MethodNotAllowed', `${method} is not possible here: use ${allowed.join(', ')}.`)
          return send(reply.header('allow', allowed.join(', ')), refused)
        },
        handler: async () => undefined,
      })
    },
  }
}

const names = z.object({
  namespace: z.string().default(''),
  name: z.string().default(''),
  id: z.string().default(''),
})

/** The named parts of the path; empty where the route has none of that name. */
export const pathNames = (request: FastifyRequest): z.infer<typeof names> => names.parse(request.params)
