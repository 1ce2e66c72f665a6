/** The one registry of the API's error codes: what clients may switch on. Messages are for people and may change; codes do not. */
import { HistoryError } from '../history/index.ts'

export const apiErrors = {
  InvalidQuery: { status: 400, meaning: 'A query parameter is unknown or out of its range; `details` says which.' },
  InvalidRequest: { status: 400, meaning: 'The request is not valid HTTP, or its body is not valid JSON.' },
  Unauthorized: { status: 401, meaning: 'No `Authorization: Bearer` header, or not the right token.' },
  Forbidden: { status: 403, meaning: 'The token is right, and whose it is may not do this; the message says what.' },
  ForeignHost: { status: 403, meaning: 'The server listens on loopback, and the Host header is not a loopback name.' },
  ForeignOrigin: { status: 403, meaning: 'A page of another origin asked for a change.' },
  RouteNotFound: { status: 404, meaning: 'There is no such path.' },
  ResourceNotFound: { status: 404, meaning: 'There is no resource of this kind, project and name.' },
  ExecutionNotFound: { status: 404, meaning: 'The probe has no execution of this id; executions are kept 90 days.' },
  TraceNotFound: {
    status: 404,
    meaning: 'The execution keeps no SIP trace: the probe does not ask for one, or it is older than 7 days.',
  },
  DeliveryNotFound: { status: 404, meaning: 'There is no webhook delivery of this id; settled ones are kept 90 days.' },
  MethodNotAllowed: { status: 405, meaning: 'The path exists, but not with this method; see the Allow header.' },
  CannotRun: { status: 409, meaning: 'The probe cannot run now; `details` has its reason.' },
  CannotReplay: { status: 409, meaning: 'A maintenance window holds the delivery back.' },
  BodyTooLarge: { status: 413, meaning: 'The body is larger than 64 KiB.' },
  UriTooLong: { status: 414, meaning: 'A part of the path is longer than any name can be.' },
  UnsupportedMediaType: { status: 415, meaning: 'A body must be `application/json`.' },
  TooManyRequests: { status: 429, meaning: 'More requests than allowed; try again after `Retry-After` seconds.' },
  HeadersTooLarge: { status: 431, meaning: 'The headers are larger than 16 KiB.' },
  Internal: { status: 500, meaning: 'Our fault; the log has the cause under the request id.' },
  AuthorizationUnavailable: {
    status: 503,
    meaning:
      'Who asks, or what they may do, cannot be found out: the Kubernetes API server does not answer. Try again after `Retry-After` seconds.',
  },
  Unavailable: {
    status: 503,
    meaning: 'The server is stopping, could not answer in time, or its history store is away.',
  },
} as const satisfies Record<string, { status: number; meaning: string }>

export type ApiErrorCode = keyof typeof apiErrors

export interface Failure {
  kind: 'Failure'
  code: ApiErrorCode
  /** One sentence for a person. */
  message: string
  /** For a program. */
  details?: unknown
  /** Seconds, also as the header `Retry-After`. */
  retryAfter?: number
}

export function failure(code: ApiErrorCode, message: string, details?: unknown): Failure {
  return { kind: 'Failure', code, message, ...(details !== undefined && { details }) }
}

/** @param retryAfter seconds */
export function later(code: ApiErrorCode, message: string, retryAfter: number): Failure {
  return { ...failure(code, message, { retryAfter }), retryAfter }
}

/** Statuses that the HTTP framework itself answers with. */
const byStatus: Readonly<Record<number, ApiErrorCode>> = {
  400: 'InvalidRequest',
  404: 'RouteNotFound',
  413: 'BodyTooLarge',
  414: 'UriTooLong',
  415: 'UnsupportedMediaType',
  431: 'HeadersTooLarge',
  503: 'Unavailable',
}

/** An error of the framework in our words; what is no fault of the client is `Internal` and says nothing of its cause. */
export function failureOf(error: unknown): Failure {
  if (error instanceof HistoryError)
    return failure('Unavailable', 'The history store cannot be read now; try again later.')
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
  const code = byStatus[status] ?? (status >= 400 && status < 500 ? 'InvalidRequest' : 'Internal')
  if (code === 'Internal') return failure(code, 'Something went wrong on our side.')
  return failure(code, error instanceof Error ? error.message : apiErrors[code].meaning)
}
