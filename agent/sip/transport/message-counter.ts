/** Counts messages by direction, method and class; it keeps none. */
import { METHODS, methodAt } from '../message/methods.ts'

/** Whatever else a peer invents shares one name, so that it cannot make the table grow. */
const NAMES = [...METHODS, 'other']

/** Of one method and one direction: requests, and the six classes of responses by the first digit of their code. */
const KINDS = 7

export class MessageCounter {
  readonly #in = new Float64Array(NAMES.length * KINDS)
  readonly #out = new Float64Array(NAMES.length * KINDS)

  /** By `In INVITE request`, `Out INVITE 2xx`. */
  get totals(): ReadonlyMap<string, number> {
    const totals = new Map<string, number>()
    for (const [direction, counts] of [
      ['In', this.#in],
      ['Out', this.#out],
    ] as const) {
      for (const [place, count] of counts.entries()) {
        const kind = place % KINDS
        const name = NAMES[(place - kind) / KINDS]
        if (count > 0) totals.set(`${direction} ${name} ${kind === 0 ? 'request' : `${kind}xx`}`, count)
      }
    }
    return totals
  }

  received(method: string, code: number | undefined): void {
    count(this.#in, methodAt(method), code === undefined ? 0 : Math.floor(code / 100))
  }

  /** Our own messages have one shape: the method first, or the code after `SIP/2.0 ` and the method in `CSeq: 1 METHOD`. */
  sent(text: string): void {
    // An empty line keeps a flow open (RFC 5626 4.4.1).
    if (text.startsWith('\r')) return
    if (!text.startsWith('SIP/2.0 ')) return count(this.#out, methodAt(text, 0, text.indexOf(' ')), 0)
    const cseq = text.indexOf('\r\nCSeq: ') + '\r\nCSeq: '.length
    const method = methodAt(text, text.indexOf(' ', cseq) + 1, text.indexOf('\r', cseq))
    count(this.#out, method, text.charCodeAt('SIP/2.0 '.length) - ZERO)
  }
}

const ZERO = 48

function count(counts: Float64Array, method: number, kind: number): void {
  const place = (method < 0 ? METHODS.length : method) * KINDS + kind
  counts[place] = (counts[place] ?? 0) + 1
}
