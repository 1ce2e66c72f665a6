/** How much one message may hold of what is copied into answers or kept by a dialog. What is beyond is no message to us: counted, and not answered, since the answer would repeat it. */
import type { Headers } from './headers.ts'

/** Bytes up to which a message is not looked at: whatever it holds, it is little. */
export const SMALL = 2_048

/** Elements of a list of hops; Max-Forwards lets 70 of them be (RFC 3261 8.1.1.6). And their characters together: a dialog keeps its route set. */
export const MOST_HOPS = 100
export const MOST_HOP_CHARACTERS = 8_192

/** Bindings in a response to REGISTER; whatever else has a Contact has a few. */
export const MOST_CONTACTS = 200

/** Of one element. */
export const MOST_PARAMETERS = 100

/** Characters of a header field's value; a signed identity (RFC 8224) has 4,000 at most. */
export const MOST_VALUE_CHARACTERS = 16_384

const HOPS = ['via', 'route', 'record-route', 'path', 'service-route']

/** What is too much in a message that is not small; undefined when nothing is. */
export function excessOf(headers: Headers): string | undefined {
  for (const key of HOPS) {
    const hops = headers.list(key)
    if (hops.length > MOST_HOPS) return `it has more than ${MOST_HOPS} hops in ${key}`
    const characters = hops.reduce((sum, hop) => sum + hop.length, 0)
    if (characters > MOST_HOP_CHARACTERS) return `its ${key} has more than ${MOST_HOP_CHARACTERS} characters`
    if (hops.some(hasManyParameters)) return `a hop in ${key} has more than ${MOST_PARAMETERS} parameters`
  }
  const contacts = headers.list('contact')
  if (contacts.length > MOST_CONTACTS) return `it has more than ${MOST_CONTACTS} contacts`
  if ([...contacts, ...headers.all('from'), ...headers.all('to')].some(hasManyParameters)) {
    return `an address has more than ${MOST_PARAMETERS} parameters`
  }
  const long = headers
    .toString()
    .split('\r\n')
    .some((line) => line.length > MOST_VALUE_CHARACTERS)
  return long ? `a header field has more than ${MOST_VALUE_CHARACTERS} characters` : undefined
}

/** Those in quotes are counted too: nobody has that many. */
function hasManyParameters(element: string): boolean {
  let parameters = 0
  for (let at = element.indexOf(';'); at >= 0; at = element.indexOf(';', at + 1)) parameters++
  return parameters > MOST_PARAMETERS
}
