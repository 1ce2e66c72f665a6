/** Counts messages by direction, method and class, from their bytes; it keeps none. */

/** Whatever else a peer invents shares one name, so that it cannot make the table grow. */
const METHODS = new Set([
  ...['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'REGISTER', 'PRACK', 'UPDATE'],
  ...['INFO', 'MESSAGE', 'REFER', 'SUBSCRIBE', 'NOTIFY', 'PUBLISH'],
])

export class MessageCounter {
  /** `In INVITE request`, `Out INVITE 2xx`. */
  readonly totals = new Map<string, number>()

  received(method: string, code: number | undefined): void {
    this.#count('In', method, code === undefined ? 'request' : `${Math.floor(code / 100)}xx`)
  }

  /** Our own messages have one shape: the method first, or the code after `SIP/2.0 ` and the method in `CSeq: 1 METHOD`. */
  sent(bytes: Buffer): void {
    const first = bytes.toString('latin1', 0, 12)
    if (!first.startsWith('SIP/2.0 ')) return this.#count('Out', first.slice(0, first.indexOf(' ')), 'request')
    const start = bytes.indexOf('\r\nCSeq: ', 0, 'latin1') + '\r\nCSeq: '.length
    const cseq = bytes.toString('latin1', start, bytes.indexOf('\r\n', start, 'latin1'))
    this.#count('Out', cseq.slice(cseq.indexOf(' ') + 1), `${first[8] ?? ''}xx`)
  }

  #count(direction: 'In' | 'Out', method: string, kind: string): void {
    const key = `${direction} ${METHODS.has(method) ? method : 'other'} ${kind}`
    this.totals.set(key, (this.totals.get(key) ?? 0) + 1)
  }
}
