/** The header fields of one message, in their order and as they were written; what is often needed of them is read once, when asked for. */
import { bracketed, parseParameters, splitList, tagOf } from './uri.ts'

export interface Via {
  /** Upper case: `UDP`, `TCP`, ... */
  transport: string
  host: string
  port?: number
  /** `host` or `host:port`, as it was written. */
  sentBy: string
  branch: string
  parameters: ReadonlyMap<string, string>
}

export interface CSeq {
  number: number
  method: string
}

/** RFC 3261 7.3.3 and the registry that followed it. */
const COMPACT: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
}

/** The spellings that nearly all messages use: a look-up instead of a conversion for each header of each message. */
const KNOWN = new Map(
  [
    ...['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Contact', 'Max-Forwards', 'Content-Length', 'Content-Type', 'Route'],
    ...['Record-Route', 'Allow', 'Supported', 'Require', 'Expires', 'User-Agent', 'Server', 'Authorization'],
    ...['Proxy-Authorization', 'WWW-Authenticate', 'Proxy-Authenticate', 'Reason', 'Accept', 'Date', 'Min-Expires'],
  ].flatMap((name) => [
    [name, name.toLowerCase()],
    [name.toLowerCase(), name.toLowerCase()],
  ]) as ReadonlyArray<[string, string]>,
)

/** The long form of a header's name in lower case. */
export function headerKey(name: string): string {
  const known = KNOWN.get(name)
  if (known !== undefined) return known
  const lower = name.toLowerCase()
  return (lower.length === 1 ? COMPACT[lower] : undefined) ?? lower
}

export class Headers {
  readonly #names: string[] = []
  readonly #keys: string[] = []
  readonly #values: string[] = []
  #via: Via | undefined
  #cseq: CSeq | undefined

  get length(): number {
    return this.#names.length
  }

  add(name: string, value: string): this {
    this.#names.push(name)
    this.#keys.push(headerKey(name))
    this.#values.push(value)
    return this
  }

  addAll(name: string, values: readonly string[]): this {
    for (const value of values) this.add(name, value)
    return this
  }

  append(other: Headers): this {
    for (let index = 0; index < other.length; index++) {
      this.#names.push(other.#names[index] ?? '')
      this.#keys.push(other.#keys[index] ?? '')
      this.#values.push(other.#values[index] ?? '')
    }
    return this
  }

  /** The first value of a header, or undefined. `key` is its long name in lower case. */
  get(key: string): string | undefined {
    const index = this.#keys.indexOf(key)
    return index < 0 ? undefined : this.#values[index]
  }

  /** Every value in order, as written: one with commas is one. */
  all(key: string): string[] {
    return this.#values.filter((_, index) => this.#keys[index] === key)
  }

  /** Every element in order, those of a comma-separated value apart (RFC 3261 7.3.1). */
  list(key: string): string[] {
    return this.all(key).flatMap(splitList)
  }

  /** The header lines, each ended by CRLF. */
  toString(): string {
    let text = ''
    for (let index = 0; index < this.#names.length; index++) text += `${this.#names[index]}: ${this.#values[index]}\r\n`
    return text
  }

  /** The topmost Via; undefined when there is none that can be read. */
  get via(): Via | undefined {
    return (this.#via ??= parseVia(this.get('via')))
  }

  get cseq(): CSeq | undefined {
    return (this.#cseq ??= parseCSeq(this.get('cseq')))
  }

  get callId(): string {
    return this.get('call-id') ?? ''
  }

  get fromTag(): string | undefined {
    return tagOf(this.get('from') ?? '')
  }

  get toTag(): string | undefined {
    return tagOf(this.get('to') ?? '')
  }
}

const VIA =
  /^SIP[ \t]*\/[ \t]*2\.0[ \t]*\/[ \t]*([^\s;,]+)[ \t]+(\[[^\]]+\]|[^\s;:,]+)[ \t]*(?::[ \t]*(\d{1,5}))?[ \t]*(;.*)?$/is

function parseVia(value: string | undefined): Via | undefined {
  if (value === undefined) return undefined
  const match = VIA.exec(value.includes(',') ? (splitList(value)[0] ?? '') : value.trim())
  if (!match) return undefined
  const [, transport = '', host = '', port, tail = ''] = match
  const parameters = parseParameters(tail)
  return {
    transport: transport.toUpperCase(),
    host: host.startsWith('[') ? host.slice(1, -1) : host,
    ...(port !== undefined && { port: Number(port) }),
    sentBy: port === undefined ? host.toLowerCase() : `${host.toLowerCase()}:${port}`,
    branch: parameters.get('branch') ?? '',
    parameters,
  }
}

function parseCSeq(value: string | undefined): CSeq | undefined {
  const match = /^\s*(\d{1,10})[ \t]+(\S+)\s*$/.exec(value ?? '')
  const number = Number(match?.[1])
  return match && number < 2 ** 32 ? { number, method: match[2] ?? '' } : undefined
}

/** RFC 3261 18.2.1 and RFC 3581 4: where the message really came from is written into its topmost Via; the other values stay. */
export function receivedVias(headers: Headers, source: { host: string; port: number }): string[] {
  const values = headers.list('via')
  const via = headers.via
  if (!via || values[0] === undefined) return values
  const wanted = via.parameters.get('rport') !== undefined
  let top = values[0]
  if (wanted) top = top.replace(/;[ \t]*rport[ \t]*(?:=[ \t]*\d*)?(?=[;\s]|$)/i, `;rport=${source.port}`)
  if (wanted || via.host !== source.host) {
    top = `${top.replace(/;[ \t]*received[ \t]*=[^;]*/i, '')};received=${bracketed(source.host)}`
  }
  return [top, ...values.slice(1)]
}
