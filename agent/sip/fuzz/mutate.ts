/** Makes hostile messages of good ones, the same ones from the same seed; it sends and judges nothing. Text is Latin-1 here: one character is one byte. */
import type { Random } from '../../../lib/random.ts'

export interface Mutator {
  /** Another message: one of the corpus with one to four changes. */
  readonly message: () => string
  /** `text` with one to four changes. */
  readonly changed: (text: string) => string
  readonly pick: <Value>(from: readonly Value[]) => Value
  /** A whole number from 0 to below `limit`. */
  readonly below: (limit: number) => number
}

/** What has a meaning somewhere in the grammar, and what has none anywhere: controls, halves of UTF-8 sequences, overlong ones, a byte order mark. */
const PIECES = [
  ...[
    '\0',
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    '\t',
    ' ',
    '"',
    '\\',
    '\\"',
    '<',
    '>',
    ';',
    ',',
    ':',
    '=',
    '%',
    '[',
    ']',
    '@',
    '?',
    '&',
    '/',
  ],
  ...[
    '(',
    ')',
    '*',
    '+',
    '-',
    '.',
    '%00',
    '%0d%0a',
    '%zz',
    ';;',
    ',,',
    '""',
    '<>',
    '[::]',
    'SIP/2.0',
    'z9hG4bK',
    ';tag=',
    ';branch=',
  ],
  ...[
    '\x7f',
    '\xff',
    '\xfe',
    '\xc0\x80',
    '\xc3',
    '\xe2\x82',
    '\xf0\x9f\x98\x80',
    '\xed\xa0\x80',
    '\xef\xbb\xbf',
    '\x1b[2J',
    '${x}',
  ],
]

const NUMBERS = [
  ...['0', '-1', '1', '00000000000000000001', '65535', '65536', '2147483647', '2147483648', '4294967295', '4294967296'],
  ...[
    '9007199254740993',
    '18446744073709551616',
    '1e9',
    '0x10',
    '1.5',
    'NaN',
    'Infinity',
    '9'.repeat(400),
    '',
    ' ',
    '\u00b2',
  ],
]

/** Header fields of which a message has one, or whose values are taken apart. */
const FIELDS = [
  ...[
    'Via: SIP/2.0/UDP [::1',
    'v: SIP/2.0/TCP a;branch=z9hG4bKx',
    'From: "',
    't: <',
    'Call-ID:',
    'CSeq: 1',
    'l: 5',
    'Content-Length: 0',
  ],
  ...[
    'Contact: *',
    'm: <sip:@>',
    'Route: <sip:;lr>',
    'Record-Route: ,',
    'Require: x',
    'Expires: -5',
    'Max-Forwards: -1',
    'RSeq: 0',
    'RAck: 1',
  ],
  ...[
    'Session-Expires: 0',
    'Min-SE: 9',
    'Replaces: ;;',
    'Refer-To: <',
    'Event: ;id',
    'Retry-After: x',
    'Accept: ,',
    'Content-Type: ;',
    ' folded',
  ],
  ...[
    'WWW-Authenticate: Digest',
    'Proxy-Authenticate: Digest realm="',
    'Authorization: Digest ,,=',
    'Reason: ;cause=',
    'no colon',
    ':',
    ': x',
  ],
]

export function createMutator(random: Random, corpus: readonly string[]): Mutator {
  const below = (limit: number): number => Math.floor(random() * limit)
  const pick = <Value>(from: readonly Value[]): Value => {
    const value = from[below(from.length)]
    if (value === undefined) throw new Error('there is nothing to pick from')
    return value
  }
  /** Mostly few, seldom many. */
  const times = (most: number): number => (below(50) === 0 ? 1 + below(most) : 1 + below(4))
  const spliced = (text: string, start: number, end: number, put: string): string =>
    text.slice(0, start) + put + text.slice(end)
  const insideLines = (text: string, change: (lines: string[]) => void): string => {
    const lines = text.split('\r\n')
    change(lines)
    return lines.join('\r\n')
  }
  /** The match of a global expression at or after a random place. */
  const somewhere = (text: string, expression: RegExp): RegExpExecArray | null => {
    expression.lastIndex = below(text.length + 1)
    return expression.exec(text)
  }

  const changes: ReadonlyArray<(text: string) => string> = [
    // Bytes.
    (text) => {
      const at = below(text.length + 1)
      return spliced(text, at, at + 1, String.fromCharCode(below(256)))
    },
    (text) => {
      const at = below(text.length + 1)
      return spliced(text, at, at, pick(PIECES).repeat(times(500)))
    },
    (text) => {
      const at = below(text.length + 1)
      return spliced(text, at, at + below(40), '')
    },
    (text) => text.slice(0, below(text.length + 1)),
    // Tokens and numbers.
    (text) => {
      const found = somewhere(text, /\d+/g)
      return found ? spliced(text, found.index, found.index + found[0].length, pick(NUMBERS)) : text
    },
    (text) => {
      const found = somewhere(text, /[\w.~-]+/g)
      const other = somewhere(pick(corpus), /[\w.~-]+/g)
      return found && other ? spliced(text, found.index, found.index + found[0].length, other[0]) : text
    },
    (text) => {
      const found = somewhere(text, /[;,:=<>"@]/g)
      return found ? spliced(text, found.index, found.index + 1, found[0].repeat(times(2_000))) : text
    },
    // Nesting: what opens, again and again.
    (text) => {
      const at = below(text.length + 1)
      return spliced(
        text,
        at,
        at,
        pick([
          '<sip:',
          '("',
          '"\\',
          '[',
          '--b1\r\nContent-Type: multipart/mixed;boundary=b1\r\n\r\n',
          '<<',
          '%25',
          ';x="',
          '?a=<sip:',
        ]).repeat(times(2_000)),
      )
    },
    // Header fields.
    (text) => insideLines(text, (lines) => void lines.splice(1 + below(lines.length), 0, pick(FIELDS))),
    (text) =>
      insideLines(text, (lines) => {
        const line = lines[below(lines.length)] ?? ''
        lines.splice(1 + below(lines.length), 0, ...Array.from({ length: times(300) }, () => line))
      }),
    (text) => insideLines(text, (lines) => void lines.splice(below(lines.length), 1)),
    (text) =>
      insideLines(text, (lines) => {
        const [moved = ''] = lines.splice(below(lines.length), 1)
        lines.splice(below(lines.length + 1), 0, moved)
      }),
    (text) =>
      insideLines(text, (lines) => {
        const at = below(lines.length)
        lines[at] =
          `${lines[at]}${pick(['a', '%41', ' ', ';x=1', ',<sip:a@b>', '\xc3\xa9', '\\"', ';lr', '\r\n x'])}`.repeat(
            times(600),
          )
      }),
    // Lines: folded, ended by one of the two, empty before the first.
    (text) => {
      const found = somewhere(text, /[ ;,:=]/g)
      return found
        ? spliced(text, found.index + 1, found.index + 1, pick(['\r\n ', '\r\n\t', '\n ', '\r\n \r\n ']))
        : text
    },
    (text) =>
      below(2) === 0 ? text.replaceAll('\r\n', '\n') : text.replace('\r\n', pick(['\n', '\r', '\n\r', '\r\r\n'])),
    (text) => pick(['\r\n', '\n', ' ', '\0', '\r\n\r\n']).repeat(times(2_000)) + text,
    // Lies about the length.
    (text) => text.replace(/^(Content-Length|l)([ \t]*:).*$/im, `$1$2 ${pick(NUMBERS)}`),
    // Two messages.
    (text) => {
      const other = pick(corpus)
      return text.slice(0, below(text.length + 1)) + other.slice(below(other.length + 1))
    },
    (text) => text + pick(corpus),
  ]

  const changed = (text: string): string => {
    let result = text
    for (let left = 1 + below(4); left > 0; left--) result = pick(changes)(result)
    return result
  }
  return { below, pick, changed, message: () => changed(pick(corpus)) }
}
