/** Counts messages by direction, method and class; it keeps none. */
import { METHODS } from '../message/methods.ts'

/** Of one method and one direction: requests at 0, responses at the first digit of their code. */
type Counts = number[]

export class MessageCounter {
  readonly #in = new Map<string, Counts>()
  readonly #out = new Map<string, Counts>()

  /** By `In INVITE request`, `Out INVITE 2xx`. */
  get totals(): ReadonlyMap<string, number> {
    const totals = new Map<string, number>()
    for (const [direction, table] of [
      ['In', this.#in],
      ['Out', this.#out],
    ] as const) {
      for (const [method, counts] of table) {
        for (const [kind, count] of counts.entries()) {
          if (count > 0) totals.set(`${direction} ${method} ${kind === 0 ? 'request' : `${kind}xx`}`, count)
        }
      }
    }
    return totals
  }

  received(method: string, code: number | undefined): void {
    count(this.#in, method, code === undefined ? 0 : Math.floor(code / 100))
  }

  /** Our own messages have one shape: the method first, or the code after `SIP/2.0 ` and the method in `CSeq: 1 METHOD`. */
  sent(text: string): void {
    // An empty line keeps a flow open (RFC 5626 4.4.1).
    if (text.startsWith('\r')) return
    if (!text.startsWith('SIP/2.0 ')) return count(this.#out, text.slice(0, text.indexOf(' ')), 0)
    const cseq = text.indexOf('\r\nCSeq: ') + '\r\nCSeq: '.length
    const method = text.slice(text.indexOf(' ', cseq) + 1, text.indexOf('\r', cseq))
    count(this.#out, method, text.charCodeAt('SIP/2.0 '.length) - ZERO)
  }
}

const ZERO = 48

function count(table: Map<string, Counts>, method: string, kind: number): void {
  // Whatever else a peer invents shares one name, so that it cannot make the table grow.
  const known = METHODS.has(method) ? method : 'other'
  let counts = table.get(known)
  if (!counts) table.set(known, (counts = [0, 0, 0, 0, 0, 0, 0]))
  counts[kind] = (counts[kind] ?? 0) + 1
}
