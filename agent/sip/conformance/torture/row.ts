/** What a row of the tables of torture messages says: what is to come of a message, and what we chose where the RFC leaves it open. It sends nothing. */

export type Outcome =
  /** The final response. `part` is found in the value of its header. */
  | { kind: 'Response'; code: number; header?: readonly [name: string, part: string] }
  /** An INVITE that is offered to the user agent, by the user part that it is for. */
  | { kind: 'Call'; user: string }
  /** No word is said about it. */
  | { kind: 'Dropped' }
  /** Over a connection: more is waited for until the connection was idle for too long. */
  | { kind: 'Waits' }
  /** Over a connection: answered, and then the connection is closed, because where the next message begins cannot be known. */
  | { kind: 'Closed'; code: number }
  /** Over a connection, where it is two messages. */
  | { kind: 'Both'; code: number; user: string }

export interface TortureRow {
  /** Without `.dat`, in test/vectors. */
  name: string
  section: string
  title: string
  /** What the parser says: undefined is `Parsed`, else the reason. */
  malformed?: string
  udp: Outcome
  /** Absent: as over UDP. */
  tcp?: Outcome
  /** What the RFC asks of a user agent. */
  asked: string
  /** Ours, and why. Absent: the RFC leaves no choice. */
  choice?: string
}

export const answered = (code: number, header?: readonly [string, string]): Outcome => ({
  kind: 'Response',
  code,
  ...(header && { header }),
})
/** @param user that it is for */
export const call = (user: string): Outcome => ({ kind: 'Call', user })
export const dropped: Outcome = { kind: 'Dropped' }

export const NO_REGISTRAR = 'We are no registrar: 405, unless a test registrar takes REGISTER.'
