/** The header fields of one message, in their order and as they were written: a piece of text and where the fields are in it. Nothing is taken apart before somebody asks. */
import { bracketed, isPort, parseParameters, splitList, tagOf } from './uri.ts'

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

/** The other way: the code of the one letter that stands for a name. */
const LETTERS = new Map(Object.entries(COMPACT).map(([letter, name]) => [name, letter.charCodeAt(0)]))

/** The long form of a header's name in lower case. */
export function headerKey(name: string): string {
  const lower = name.toLowerCase()
  return (lower.length === 1 ? COMPACT[lower] : undefined) ?? lower
}

/** Four places a field: where its name begins and ends, where its value begins and ends. */
const PLACES = 4

export class Headers {
  #text: string
  /** Undefined: `text` is nothing but header lines, and nobody has asked yet where they are. */
  #index: number[] | undefined
  #via: Via | undefined
  #cseq: CSeq | undefined

  /** @param text header lines, or a whole message when `index` says where the fields are in it */
  constructor(text = '', index?: number[]) {
    this.#text = text
    this.#index = index
  }

  get length(): number {
    return this.#places().length / PLACES
  }

  add(name: string, value: string): this {
    return this.#extend(`${name}: ${value}\r\n`)
  }

  addAll(name: string, values: readonly string[]): this {
    for (const value of values) this.add(name, value)
    return this
  }

  append(other: Headers): this {
    return this.#extend(other.toString())
  }

  /** The first value of a header, or undefined. `key` is its long name in lower case. */
  get(key: string): string | undefined {
    const index = this.#places()
    const at = this.#find(key, 0)
    return at < 0 ? undefined : this.#text.slice(index[at + 2], index[at + 3])
  }

  /** Every value in order, as written: one with commas is one. */
  all(key: string): string[] {
    const index = this.#places()
    const values: string[] = []
    for (let at = this.#find(key, 0); at >= 0; at = this.#find(key, at + PLACES)) {
      values.push(this.#text.slice(index[at + 2], index[at + 3]))
    }
    return values
  }

  /** Every element in order, those of a comma-separated value apart (RFC 3261 7.3.1). */
  list(key: string): string[] {
    const values = this.all(key)
    return values.length === 0 ? values : values.flatMap(splitList)
  }

  /** The header lines, each ended by CRLF. */
  toString(): string {
    if (this.#index === undefined) return this.#text
    let text = ''
    for (let at = 0; at < this.#index.length; at += PLACES) {
      const [name, nameEnd, value, valueEnd] = this.#index.slice(at, at + PLACES)
      text += `${this.#text.slice(name, nameEnd)}: ${this.#text.slice(value, valueEnd)}\r\n`
    }
    return text
  }

  /** The topmost Via; undefined when there is none that can be read. */
  get via(): Via | undefined {
    return (this.#via ??= parseVia(this.get('via')))
  }

  /** The branch of the topmost Via, empty when it has none: all that a response is matched by. */
  get branch(): string {
    return this.#via?.branch ?? branchOf(this.get('via') ?? '') ?? this.via?.branch ?? ''
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

  #extend(lines: string): this {
    this.#text = this.toString() + lines
    this.#index = undefined
    this.#via = undefined
    this.#cseq = undefined
    return this
  }

  #places(): number[] {
    if (this.#index === undefined) {
      this.#index = []
      indexLines(this.#text, 0, this.#index)
    }
    return this.#index
  }

  #find(key: string, from: number): number {
    const index = this.#places()
    const letter = LETTERS.get(key)
    for (let at = from; at < index.length; at += PLACES) {
      const start = index[at] ?? 0
      const length = (index[at + 1] ?? 0) - start
      if (length === key.length ? isNamed(this.#text, start, key) : length === 1 && lower(this.#text, start) === letter)
        return at
    }
    return -1
  }
}

const CR = 13
const QUOTE = 34
const COMMA = 44
const SEMICOLON = 59

function lower(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code >= 65 && code <= 90 ? code + 32 : code
}

function isNamed(text: string, start: number, key: string): boolean {
  for (let at = 0; at < key.length; at++) {
    const wanted = key.charCodeAt(at)
    const code = text.charCodeAt(start + at)
    if (code !== wanted && lower(text, start + at) !== wanted) return false
  }
  return true
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9
}

/** Bound against a hostile peer: lines, fields or not. */
export const MOST_HEADERS = 256

export type HeaderBlock =
  /** `body` is where the body begins. */
  | { kind: 'Block'; body: number }
  /** A line continues the one before (7.3.1): the text is to be unfolded first. */
  | { kind: 'Folded' }
  | { kind: 'TooMany' }

/**
 * Writes into `index` where the header fields are that begin at `from`, up to the empty line or the end. A line that is no header is passed
 * over: the rest of the message may be all that is needed.
 */
export function indexLines(text: string, from: number, index: number[]): HeaderBlock {
  let position = from
  for (let lines = 0; position < text.length; lines++) {
    const newline = text.indexOf('\n', position)
    const next = newline < 0 ? text.length : newline + 1
    let end = newline < 0 ? text.length : newline
    if (end > position && text.charCodeAt(end - 1) === CR) end--
    if (end === position) return { kind: 'Block', body: next }
    if (isBlank(text.charCodeAt(next))) return { kind: 'Folded' }
    if (lines >= MOST_HEADERS) return { kind: 'TooMany' }
    const colon = text.indexOf(':', position)
    if (colon > position && colon < end) indexField(text, { position, colon, end }, index)
    position = next
  }
  return { kind: 'Block', body: text.length }
}

function indexField(text: string, line: { position: number; colon: number; end: number }, index: number[]): void {
  const { position, colon } = line
  let { end } = line
  let name = position
  let nameEnd = colon
  let value = colon + 1
  while (name < nameEnd && isBlank(text.charCodeAt(name))) name++
  while (nameEnd > name && isBlank(text.charCodeAt(nameEnd - 1))) nameEnd--
  while (value < end && isBlank(text.charCodeAt(value))) value++
  while (end > value && isBlank(text.charCodeAt(end - 1))) end--
  if (nameEnd > name) index.push(name, nameEnd, value, end)
}

/** Folded lines as one each, with one blank for the fold; without folding it is the same text. It is a header's text, start line first. */
export function unfold(head: string): string {
  let text = ''
  for (const [index, line] of head.split('\n').entries()) {
    // Nothing is continued by the first header line.
    if (index > 1 && isBlank(line.charCodeAt(0))) text += ` ${line.trim()}`
    else text += `${index > 0 ? '\n' : ''}${line.trimEnd()}`
  }
  return text
}

/**
 * The branch in the shape that nearly all of them have; undefined: take the whole Via apart to know. Only the first of several Vias in a
 * line may be looked at.
 */
function branchOf(value: string): string | undefined {
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

function parseVia(value: string | undefined): Via | undefined {
  if (value === undefined) return undefined
  const match = VIA.exec(value.includes(',') ? (splitList(value)[0] ?? '') : value.trim())
  if (!match) return undefined
  const [, transport = '', host = '', port, tail = ''] = match
  // What cannot be sent to is no way back.
  if (port !== undefined && !isPort(Number(port))) return undefined
  return new Via({ transport, host, port, tail })
}

function parseCSeq(value: string | undefined): CSeq | undefined {
  const match = /^(\d{1,10})[ \t]+(\S+)$/.exec(value ?? '')
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
