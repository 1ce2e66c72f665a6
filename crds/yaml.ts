/** Reads one YAML document into plain values and remembers where each field stood; it knows nothing of kinds. Never throws. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, Scalar } from 'yaml'
import type { Node, Pair, YAMLMap } from 'yaml'

/** 1-based. */
export interface Position {
  readonly line: number
  readonly column: number
}

export type Path = readonly (string | number)[]

export interface Complaint extends Position {
  readonly path: Path
  readonly message: string
}

export interface ReadDocument {
  /** Undefined for an empty document, and where the complaints leave nothing to look at. */
  readonly value: unknown
  readonly complaints: readonly Complaint[]
  /** Where the field of that path stands, or the nearest one around it that is there. */
  position(path: Path): Position
}

/** Values in one document, aliases counted as often as they are used: an alias bomb ends here. */
const MOST_VALUES = 200_000
/** Levels of nesting; the deepest field of ours is at 12. */
const MOST_DEPTH = 64

/** Plain words that kubectl (YAML 1.1) reads as a boolean and YAML 1.2 as text. */
const OLD_BOOLEAN = /^(y|Y|n|N|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$/

/** @param firstLine line of the file on which `text` begins */
export function readDocument(text: string, firstLine: number): ReadDocument {
  const lines = new LineCounter()
  const reader = new Reader((offset) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1) + firstLine - 1, column: Math.max(col, 1) }
  })
  try {
    const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false, version: '1.2' })
    // The first fault of the syntax only: those after it mostly follow from it.
    const [error] = document.errors
    if (error) reader.complain(error.pos[0], [], syntaxMessage(error.message))
    const value = document.errors.length > 0 ? undefined : reader.read(document.contents, [], 0)
    return {
      value: reader.exhausted ? undefined : value,
      complaints: reader.complaints,
      position: (path) => reader.position(path),
    }
  } catch (cause) {
    // The parser recurses: a line of 100,000 brackets overflows its stack.
    if (!(cause instanceof RangeError || cause instanceof SyntaxError || cause instanceof TypeError)) throw cause
    reader.complain(0, [], TOO_DEEP)
    return { value: undefined, complaints: reader.complaints, position: (path) => reader.position(path) }
  }
}

const TOO_DEEP = 'cannot be read as YAML: it is nested too deeply'

function syntaxMessage(message: string): string {
  return message.startsWith('Maximum call stack') ? TOO_DEEP : (message.split('\n')[0] ?? message)
}

class Reader {
  readonly complaints: Complaint[] = []
  exhausted = false
  readonly #positions = new Map<string, Position>()
  readonly #anchors = new Map<string, Node>()
  readonly #at: (offset: number) => Position
  #values = 0

  constructor(at: (offset: number) => Position) {
    this.#at = at
  }

  complain(offset: number, path: Path, message: string): void {
    this.complaints.push({ ...this.#at(offset), path, message })
  }

  position(path: Path): Position {
    for (let length = path.length; length > 0; length--) {
      const found = this.#positions.get(JSON.stringify(path.slice(0, length)))
      if (found) return found
    }
    return this.#positions.get('[]') ?? this.#at(0)
  }

  read(node: unknown, path: Path, depth: number): unknown {
    if (this.exhausted) return undefined
    if (depth > MOST_DEPTH || ++this.#values > MOST_VALUES) return this.#exhaust(path)
    if (isAlias(node)) return this.#readAlias(node.source, node.range?.[0] ?? 0, path, depth)
    this.#remember(path, offsetOf(node))
    if (isScalar(node)) return this.#readScalar(node, path)
    if (isMap(node)) return this.#readMap(node, path, depth)
    if (isSeq(node)) {
      this.#anchor(node)
      return node.items.map((item, index) => this.read(item, [...path, index], depth + 1))
    }
    return undefined
  }

  #readAlias(name: string, offset: number, path: Path, depth: number): unknown {
    this.#remember(path, offset)
    const node = this.#anchors.get(name)
    if (node) return this.read(node, path, depth + 1)
    this.complain(offset, path, `the alias *${name} has no anchor before it`)
    return undefined
  }

  #readScalar(node: Scalar, path: Path): unknown {
    this.#anchor(node)
    const { value } = node
    if (typeof value === 'string' && node.type === Scalar.PLAIN && OLD_BOOLEAN.test(value)) {
      this.complain(offsetOf(node), path, `kubectl reads the plain word ${value} as a boolean: write it in quotes`)
    }
    if (typeof value === 'bigint') return Number(value)
    return value
  }

  #readMap(node: YAMLMap, path: Path, depth: number): Record<string, unknown> {
    this.#anchor(node)
    const entries = new Map<string, unknown>()
    for (const pair of node.items) {
      const key = this.#readKey(pair, path)
      if (key === undefined) continue
      const offset = offsetOf(pair.key)
      const inner = [...path, key]
      if (entries.has(key)) {
        this.complain(offset, inner, 'is there twice')
        continue
      }
      const value = this.read(pair.value, inner, depth + 1)
      this.#positions.set(JSON.stringify(inner), this.#at(offset))
      // As the API server does: a field without a value is a field that is not there.
      if (value !== null && value !== undefined) entries.set(key, value)
    }
    return Object.fromEntries(entries)
  }

  #readKey(pair: Pair, path: Path): string | undefined {
    const { key } = pair
    const name = isScalar(key) ? keyText(key.value) : undefined
    if (!isScalar(key) || name === undefined) {
      this.complain(offsetOf(key), path, 'the name of a field must be a plain text')
      return undefined
    }
    if (key.type === Scalar.PLAIN && OLD_BOOLEAN.test(name)) {
      this.complain(
        offsetOf(key),
        [...path, name],
        `kubectl reads the plain word ${name} as a boolean: write it in quotes`,
      )
    }
    if (name !== '__proto__') return name
    this.complain(offsetOf(key), [...path, name], 'unknown field')
    return undefined
  }

  #anchor(node: Node & { anchor?: string }): void {
    if (node.anchor) this.#anchors.set(node.anchor, node)
  }

  #remember(path: Path, offset: number): void {
    this.#positions.set(JSON.stringify(path), this.#at(offset))
  }

  #exhaust(path: Path): undefined {
    if (!this.exhausted) this.complain(0, path.slice(0, 1), 'holds too much: too many values, aliases or levels')
    this.exhausted = true
    return undefined
  }
}

function keyText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
    ? String(value)
    : undefined
}

function offsetOf(node: unknown): number {
  if (isScalar(node) || isMap(node) || isSeq(node) || isAlias(node)) return node.range?.[0] ?? 0
  return 0
}
