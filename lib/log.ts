/** Structured logs for people who operate Ringcheck: one JSON object a line, or a plain line on a terminal. No metrics, no results. */
import pino from 'pino'

/** `fields` first, then one sentence without a full stop. An error goes under `error`. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** The same log with fields that every line carries. */
  child(fields: object): Log
}

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export interface LogOptions {
  /** Which process it is. */
  name: string
  level: LogLevel
  /** True: lines for eyes. Default: JSON. */
  pretty?: boolean
  /** Default: standard error, written at once so that a crash loses nothing. */
  destination?: { write(line: string): void }
}

/** Fields that never appear, up to this many objects deep. */
const SECRET_FIELDS = ['password', 'secret', 'key', 'token', 'authorization', 'credentials']
const DEEPEST = 4

export function createLog({ name, level, pretty, destination }: LogOptions): Log {
  const raw = destination ?? pino.destination({ fd: 2, sync: true })
  const options = {
    name,
    level,
    base: { name, pid: process.pid },
    serializers: { error: pino.stdSerializers.errWithCause },
    redact: { paths: secretPaths(), censor },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return pino(options, pretty ? { write: (line: string) => raw.write(prettyLine(line)) } : raw)
}

/** A key may be that of a resource, `namespace/name`; only a private one is a secret. */
function censor(value: unknown, path: readonly string[]): unknown {
  if (path.at(-1) === 'key' && !String(value).includes('PRIVATE KEY')) return value
  return '[redacted]'
}

function secretPaths(): string[] {
  const depths = Array.from({ length: DEEPEST }, (_, depth) => '*.'.repeat(depth))
  return depths.flatMap((prefix) => SECRET_FIELDS.map((field) => prefix + field))
}

const HEAD = new Set(['time', 'level', 'name', 'pid', 'msg', 'error'])

/** `12:00:01 warn agent: the peer is gone port=5060` */
function prettyLine(line: string): string {
  const record = JSON.parse(line) as Record<string, unknown>
  const time = String(record['time']).slice(11, 19)
  const fields = Object.entries(record)
    .filter(([key]) => !HEAD.has(key))
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const { error } = record
  const cause = typeof error === 'object' && error !== null && 'message' in error ? `: ${String(error.message)}` : ''
  return `${time} ${String(record['level'])} ${String(record['name'])}: ${String(record['msg'])}${cause}${fields.join('')}\n`
}
