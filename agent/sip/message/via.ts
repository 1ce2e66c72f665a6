/** The Via header field (RFC 3261 20.42): where a message came from and where its answer goes. It sends nothing. */
import { bracketed, isPort, parseParameters, splitList } from './uri.ts'

const QUOTE = 34
const COMMA = 44
const SEMICOLON = 59

/** As a client asks with it, or as somebody has filled it in. */
const RPORT = /;[ \t]*rport[ \t]*(?:=[ \t]*\d*)?(?=[;\s]|$)/i

/** The topmost Via; its parameters but for the branch are read when somebody asks. */
export class Via {
  /** Upper case: `UDP`, `TCP`, ... */
  readonly transport: string
  readonly host: string
  readonly port: number | undefined
  /** `host` or `host:port`, as it was written. */
  readonly sentBy: string
  readonly branch: string
  readonly #tail: string
  #parameters: ReadonlyMap<string, string> | undefined

  constructor(sentProtocol: { transport: string; host: string; port: string | undefined; tail: string }) {
    const { transport, host, port, tail } = sentProtocol
    this.transport = transport.toUpperCase()
    this.host = host.startsWith('[') ? host.slice(1, -1) : host
    this.port = port === undefined ? undefined : Number(port)
    this.sentBy = port === undefined ? host.toLowerCase() : `${host.toLowerCase()}:${port}`
    this.#tail = tail
    this.branch = branchOf(tail) ?? this.parameters.get('branch') ?? ''
  }

  get parameters(): ReadonlyMap<string, string> {
    return (this.#parameters ??= parseParameters(this.#tail))
  }

  /** RFC 3581 3: the answer is to go to the port that the request came from. */
  get wantsPort(): boolean {
    return RPORT.test(this.#tail)
  }
}

/**
 * The branch in the shape that nearly all of them have; undefined: take the whole Via apart to know. Only the first of several Vias in a
 * line may be looked at.
 */
export function branchOf(value: string): string | undefined {
  const found = value.indexOf(';branch=')
  if (found < 0 || value.lastIndexOf(',', found) >= 0) return undefined
  const start = found + ';branch='.length
  let end = start
  while (end < value.length && isTokenCharacter(value.charCodeAt(end))) end++
  const ends = end === value.length || value.charCodeAt(end) === SEMICOLON || value.charCodeAt(end) === COMMA
  return ends && end > start ? value.slice(start, end) : undefined
}

/** Between a blank and DEL, and neither quote, comma nor semicolon. */
function isTokenCharacter(code: number): boolean {
  return code > 32 && code < 127 && code !== QUOTE && code !== COMMA && code !== SEMICOLON
}

/** No two parts that could match the same blanks stand beside each other: a long run of them is passed over once. */
const VIA =
  /^SIP[ \t]*\/[ \t]*\d+\.\d+[ \t]*\/[ \t]*([^\s;,]+)[ \t]+(\[[^\]]+\]|[^\s;:,]+)[ \t]*(?::[ \t]*(\d{1,5})[ \t]*)?(;.*)?$/is

export function parseVia(value: string | undefined): Via | undefined {
  if (value === undefined) return undefined
  const match = VIA.exec(value.includes(',') ? (splitList(value)[0] ?? '') : value.trim())
  if (!match) return undefined
  const [, transport = '', host = '', port, tail = ''] = match
  // What cannot be sent to is no way back.
  if (port !== undefined && !isPort(Number(port))) return undefined
  return new Via({ transport, host, port, tail })
}

/** RFC 3261 18.2.1 and RFC 3581 4: where the message really came from is written into its topmost Via; the other values stay. */
export function receivedVias(
  headers: { list: (key: string) => string[]; via: Via | undefined },
  source: { host: string; port: number },
): string[] {
  const values = headers.list('via')
  const { via } = headers
  if (!via || values[0] === undefined) return values
  const wanted = via.wantsPort
  let top = values[0]
  if (wanted) top = top.replace(RPORT, `;rport=${source.port}`)
  if (wanted || via.host !== source.host) {
    top = `${top.replace(/;[ \t]*received[ \t]*=[^;]*/i, '')};received=${bracketed(source.host)}`
  }
  return [top, ...values.slice(1)]
}
