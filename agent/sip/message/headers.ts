/** The header fields of one message, in their order and as they were written: a piece of text and where the fields are in it. Nothing is taken apart before somebody asks. */
import { type CSeq, parseCSeq } from './cseq.ts'
import { bitOf, isNamed, LETTERS, lower } from './header-names.ts'
import {
  isBlank,
  isSpace,
  lineAfter,
  nameEnd,
  notePlace,
  nowhere,
  PLACE,
  type Places,
  valueStart,
} from './header-lines.ts'
import { splitList, tagOf } from './uri.ts'
import { branchOf, parseVia, type Via } from './via.ts'

export class Headers {
  #text: string
  /** Where the header lines begin and end in `text`. */
  #start: number
  #end: number
  /** Where the values begin that every message is asked for; -1: there is none; undefined: nobody has looked yet. */
  #places: Places | undefined
  #via: Via | undefined
  #branch: string | undefined
  #cseq: CSeq | undefined
  #callId: string | undefined
  /** Empty: there is none. */
  #fromTag: string | undefined
  #toTag: string | undefined

  /** @param text header lines, or a whole message when `block` says where they are in it */
  constructor(text = '', block?: Block) {
    this.#text = text
    this.#start = block?.start ?? 0
    this.#end = block?.end ?? text.length
    this.#places = block?.places
  }

  get length(): number {
    let count = 0
    this.#each(() => count++)
    return count
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
    const place = this.#placeOf(key)
    return place < 0 ? undefined : this.#valueAt(place)
  }

  /** Whether there is one of that name, with or without a value. */
  has(key: string): boolean {
    return this.#placeOf(key) >= 0
  }

  /** A header field that no message has twice and this one has (RFC 3261 7.3.1). */
  get doubled(): string | undefined {
    return (this.#places ??= this.#look()).doubled
  }

  /** Every value in order, as written: one with commas is one. */
  all(key: string): string[] {
    const place = this.#placeOf(key)
    if (place < 0) return []
    const values = [this.#valueAt(place)]
    if (!this.#mayHaveMore(key)) return values
    for (let at = this.#find(key, this.#nextLine(place)); at >= 0; at = this.#find(key, this.#nextLine(at))) {
      values.push(this.#valueAt(at))
    }
    return values
  }

  /** Every element in order, those of a comma-separated value apart (RFC 3261 7.3.1). */
  list(key: string): string[] {
    const values = this.all(key)
    const [first] = values
    if (first === undefined) return values
    return values.length === 1 ? splitList(first) : values.flatMap(splitList)
  }

  /** The header lines, each ended by CRLF. */
  toString(): string {
    if (this.#start === 0 && this.#end === this.#text.length) return this.#text
    let text = ''
    this.#each((name, value) => (text += `${name}: ${value}\r\n`))
    return text
  }

  /** The topmost Via; undefined when there is none that can be read. */
  get via(): Via | undefined {
    return (this.#via ??= parseVia(this.get('via')))
  }

  /** The branch of the topmost Via, empty when it has none: all that a response is matched by. */
  get branch(): string {
    return (this.#branch ??= this.#via?.branch ?? branchOf(this.get('via') ?? '') ?? this.via?.branch ?? '')
  }

  get cseq(): CSeq | undefined {
    return (this.#cseq ??= parseCSeq(this.get('cseq')))
  }

  get callId(): string {
    return (this.#callId ??= this.get('call-id') ?? '')
  }

  get fromTag(): string | undefined {
    return (this.#fromTag ??= tagOf(this.get('from') ?? '') ?? '') || undefined
  }

  get toTag(): string | undefined {
    return (this.#toTag ??= tagOf(this.get('to') ?? '') ?? '') || undefined
  }

  #extend(lines: string): this {
    this.#text = this.toString() + lines
    this.#start = 0
    this.#end = this.#text.length
    this.#places = undefined
    this.#via = undefined
    this.#branch = undefined
    this.#cseq = undefined
    this.#callId = undefined
    this.#fromTag = undefined
    this.#toTag = undefined
    return this
  }

  #placeOf(key: string): number {
    switch (key) {
      case 'via':
      case 'from':
      case 'to':
      case 'call-id':
      case 'cseq':
      case 'max-forwards':
      case 'content-length':
        return (this.#places ??= this.#look()).at[PLACE[key]] ?? -1
      default:
        return this.#mayHave(key) ? this.#find(key, this.#start) : -1
    }
  }

  /** Most of what is asked for is not there, and that is known without a search. */
  #mayHave(key: string): boolean {
    return ((this.#places ??= this.#look()).names & bitsOf(key)) !== 0
  }

  /** Whether there may be another one behind the first: under its name, or under both of its names. */
  #mayHaveMore(key: string): boolean {
    const { names, again } = (this.#places ??= this.#look())
    const bits = bitsOf(key)
    return (again & bits) !== 0 || (names & bits & ((names & bits) - 1)) !== 0
  }

  #look(): Places {
    const places = nowhere()
    const text = this.#text
    for (let position = this.#start; position < this.#end;) {
      const next = lineAfter(text, position, this.#end)
      notePlace(text, position, next, places)
      position = next
    }
    return places
  }

  /** Where the value of the next header of that name begins; -1 when there is none. */
  #find(key: string, from: number): number {
    const text = this.#text
    const letter = LETTERS.get(key)
    for (let position = from; position < this.#end;) {
      const next = lineAfter(text, position, this.#end)
      const colon = text.indexOf(':', position)
      if (colon > position && colon < next) {
        const length = nameEnd(text, position, colon) - position
        const named =
          length === key.length ? isNamed(text, position, key) : length === 1 && lower(text, position) === letter
        if (named) return valueStart(text, colon, next)
      }
      position = next
    }
    return -1
  }

  #each(take: (name: string, value: string) => void): void {
    const text = this.#text
    for (let position = this.#start; position < this.#end;) {
      const next = lineAfter(text, position, this.#end)
      const colon = text.indexOf(':', position)
      if (colon > position && colon < next) {
        take(text.slice(position, nameEnd(text, position, colon)), this.#valueAt(valueStart(text, colon, next)))
      }
      position = next
    }
  }

  #nextLine(at: number): number {
    return lineAfter(this.#text, at, this.#end)
  }

  #valueAt(start: number): string {
    const newline = this.#text.indexOf('\n', start)
    let end = newline < 0 || newline > this.#end ? this.#end : newline
    while (end > start && isSpace(this.#text.charCodeAt(end - 1))) end--
    return this.#text.slice(start, end)
  }
}

/** Those of its long and its short name. */
function bitsOf(key: string): number {
  const letter = LETTERS.get(key)
  return bitOf(key.charCodeAt(0), key.length) | (letter === undefined ? 0 : bitOf(letter, 1))
}

/** The header lines of a message. */
interface Block {
  start: number
  end: number
  places: Places
}

/** Bound against a hostile peer: lines, fields or not. */
export const MOST_HEADERS = 256

const CR = 13

export type HeaderBlock =
  /** `body` is where the body begins. */
  | { kind: 'Block'; headers: Headers; body: number }
  /** A line continues the one before (7.3.1): the text is to be unfolded first. */
  | { kind: 'Folded' }
  | { kind: 'TooMany' }

/** Reads the header lines that begin at `start`, up to the empty line or the end. */
export function readHeaders(text: string, start: number): HeaderBlock {
  const places = nowhere()
  let position = start
  for (let lines = 0; position < text.length; lines++) {
    const newline = text.indexOf('\n', position)
    const next = newline < 0 ? text.length : newline + 1
    const first = text.charCodeAt(position)
    if (newline === position || (first === CR && newline === position + 1)) {
      return { kind: 'Block', headers: new Headers(text, { start, end: position, places }), body: next }
    }
    if (isBlank(text.charCodeAt(next))) return { kind: 'Folded' }
    if (lines >= MOST_HEADERS) return { kind: 'TooMany' }
    notePlace(text, position, next, places)
    position = next
  }
  return { kind: 'Block', headers: new Headers(text, { start, end: text.length, places }), body: text.length }
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
