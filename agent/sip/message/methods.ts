/** The methods that are registered for SIP; which of them an engine answers is not said here. */

/** RFC 3261 to 6086, by the registry of IANA; those of a call first, for they are looked for most. */
export const METHODS: readonly string[] = [
  ...['INVITE', 'ACK', 'BYE', 'PRACK', 'CANCEL', 'OPTIONS', 'REGISTER', 'UPDATE'],
  ...['INFO', 'MESSAGE', 'REFER', 'SUBSCRIBE', 'NOTIFY', 'PUBLISH'],
]

/** The place in `METHODS` of the one that stands in `text` from `start` to `end`; -1: it is none of them. No piece of text is made for it. */
export function methodAt(text: string, start = 0, end = text.length): number {
  return METHODS.findIndex((method) => method.length === end - start && text.startsWith(method, start))
}
