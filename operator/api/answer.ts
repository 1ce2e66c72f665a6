/** What a route answers with, as a value, and the one place that writes it to the wire. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { apiErrors, failure } from './errors.ts'
import type { Failure } from './errors.ts'

export interface Paging {
  page: number
  perPage: number
}

export type Answer =
  | { kind: 'Data'; status?: 200 | 202; data: unknown }
  | ({ kind: 'List'; items: readonly unknown[]; total: number } & Paging)
  /** `headers` beside the type, for what JSON would carry in `meta`. */
  | { kind: 'Text'; type: string; text: string; headers?: Readonly<Record<string, string>> }
  /** A file to keep. */
  | { kind: 'File'; type: string; name: string; content: Buffer }
  | Failure

export const data = (value: unknown): Answer => ({ kind: 'Data', data: value })

/** The items of one page out of all of them. */
export function pageOf(all: readonly unknown[], { page, perPage }: Paging): Answer {
  const start = (page - 1) * perPage
  return { kind: 'List', items: all.slice(start, start + perPage), total: all.length, page, perPage }
}

export function send(reply: FastifyReply, answer: Answer): FastifyReply {
  const meta = { requestId: reply.request.id }
  switch (answer.kind) {
    case 'Data':
      return reply.code(answer.status ?? 200).send({ data: answer.data, meta })
    case 'List': {
      const { page, perPage, total } = answer
      return reply.send({ data: answer.items, meta: { ...meta, page, perPage, total } })
    }
    case 'Text':
      return reply
        .headers(answer.headers ?? {})
        .type(answer.type)
        .send(answer.text)
    case 'File': {
      const { name, type, content } = answer
      return reply.header('content-disposition', `attachment; filename="${name}"`).type(type).send(content)
    }
    case 'Failure': {
      const { code, message, details, retryAfter } = answer
      if (code === 'Unauthorized') reply.header('www-authenticate', 'Bearer realm="ringcheck"')
      if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter))
      return reply.code(apiErrors[code].status).send({ error: { code, message, details: details ?? null }, meta })
    }
  }
}

/** Numbers of a query are text; anything but plain digits is refused. */
const count = (most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.int().min(1).max(most))

export const paging = {
  page: count(1_000_000).default(1),
  perPage: count(100).default(20),
}

type Parsed<T> = { kind: 'Parsed'; value: T } | Failure

/** Unknown parameters are refused: a misspelt one would otherwise be a wrong answer. */
export function readQuery<Shape extends z.ZodRawShape>(
  request: FastifyRequest,
  shape: Shape,
): Parsed<z.output<z.ZodObject<Shape, z.core.$strict>>> {
  const parsed = z.strictObject(shape).safeParse(request.query)
  if (parsed.success) return { kind: 'Parsed', value: parsed.data }
  const details = parsed.error.issues.map(({ path, message }) => ({ parameter: path.join('.'), message }))
  const [first] = details
  const where = first?.parameter ? `${first.parameter}: ` : ''
  return failure('InvalidQuery', `The query is not valid: ${where}${first?.message ?? ''}`, details)
}
