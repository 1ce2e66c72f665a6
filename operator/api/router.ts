/** Registers routes with the rights that they need, whose answers are values, and says 405 where a path exists but not with that method. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Access } from '../cluster/access.ts'
import type { Answer } from './answer.ts'
import { send } from './answer.ts'
import { failure } from './errors.ts'
import type { Failure } from './errors.ts'

export type Handler = (request: FastifyRequest) => Answer | Promise<Answer>
type Method = 'GET' | 'POST'

/** Every right that a request needs; none: whoever is known may do it. A Failure: what it asks for is not there, so that no right can be named. */
export type Needs = (request: FastifyRequest) => readonly Access[] | Failure | Promise<readonly Access[] | Failure>

export interface Router {
  /** `path` below the base; HEAD comes with GET. */
  on(path: string, needs: Needs, handlers: Partial<Record<Method, Handler>>): void
}

/** @param refuse undefined: whoever asks has each of the rights */
export function createRouter(
  api: FastifyInstance,
  base: string,
  refuse: (request: FastifyRequest, needed: readonly Access[]) => Promise<Failure | undefined>,
): Router {
  return {
    on(path, needs, handlers) {
      const url = base + path
      const allowed: string[] = []
      for (const [method, handler] of Object.entries(handlers)) {
        allowed.push(...(method === 'GET' ? ['GET', 'HEAD'] : [method]))
        api.route({
          method,
          url,
          // Before the body is read.
          onRequest: async (request, reply) => {
            const needed = await needs(request)
            const refused = 'kind' in needed ? needed : await refuse(request, needed)
            return refused && send(reply, refused)
          },
          handler: async (request, reply) => send(reply, await handler(request)),
        })
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

/** To do something with the object of the path, or in its namespace where it names none. */
export const named =
  (access: Pick<Access, 'verb' | 'kind' | 'subresource'>): Needs =>
  (request) => {
    const { namespace, name } = pathNames(request)
    return [{ ...access, namespace, ...(name !== '' && { name }) }]
  }
