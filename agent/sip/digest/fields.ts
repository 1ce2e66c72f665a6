/** The header fields of digest authentication as text (RFC 7616 3.3 to 3.5, RFC 3261 25.1): read with tolerance, written as SIP spells them. Nothing is computed here. */
import { quote, splitList, unquote } from '../message/uri.ts'
import type { Protection } from './digest.ts'

/** `domain` and what else a challenger may add are passed over. */
export interface Challenge {
  realm: string
  nonce: string
  opaque?: string
  /** As the challenger wrote it; absent means MD5. It is echoed only when it was there. */
  algorithm?: string
  /** Absent: the server is of RFC 2069's time and wants no qop. */
  qop?: readonly string[]
  stale: boolean
  /** The server wants the username hashed (3.4.4). */
  userhash: boolean
  /** `charset=UTF-8` (4): usernames and passwords are normalized. */
  utf8: boolean
}

export interface Credential {
  username: string
  realm: string
  nonce: string
  uri: string
  response: string
  algorithm?: string | undefined
  qop?: { protection: Protection; cnonce: string; nc: string } | undefined
  opaque?: string | undefined
  userhash: boolean
}

type Parameters = ReadonlyMap<string, string>

/** The Digest challenges of a WWW-Authenticate or Proxy-Authenticate value; it may hold several (RFC 7235 4.1). Other schemes are passed over. */
export function parseChallenges(value: string): Challenge[] {
  return schemes(value).flatMap(({ scheme, parameters }) => {
    const realm = parameters.get('realm')
    const nonce = parameters.get('nonce')
    if (scheme !== 'digest' || realm === undefined || nonce === undefined) return []
    const opaque = parameters.get('opaque')
    const algorithm = parameters.get('algorithm')
    const qop = parameters.get('qop')
    return {
      realm,
      nonce,
      ...(opaque !== undefined && { opaque }),
      ...(algorithm !== undefined && { algorithm }),
      // An empty one is met, and means that there is none.
      ...(qop !== undefined && qop.trim() !== '' && { qop: qop.split(',').map((each) => each.trim().toLowerCase()) }),
      stale: isTrue(parameters.get('stale')),
      userhash: isTrue(parameters.get('userhash')),
      utf8: parameters.get('charset')?.toUpperCase() === 'UTF-8',
    }
  })
}

/** The parameters of the Digest credentials of an Authorization or Proxy-Authorization value; undefined when it is another scheme. */
export function parseCredentials(value: string): Parameters | undefined {
  return schemes(value).find(({ scheme }) => scheme === 'digest')?.parameters
}

/** The parameters of an Authentication-Info or Proxy-Authentication-Info value, which names no scheme (RFC 7615 3). */
export function parseInfo(value: string): Parameters {
  const parameters = new Map<string, string>()
  for (const element of splitList(value)) {
    const [, name = '', text = ''] = PARAMETER.exec(element) ?? []
    if (name !== '') parameters.set(name.toLowerCase(), unquote(text.trim()))
  }
  return parameters
}

/** An Authorization or Proxy-Authorization value. */
export function credentialText(credential: Credential): string {
  const { username, realm, nonce, uri, response, algorithm, qop, opaque, userhash } = credential
  let text = `Digest username=${quote(username)}, realm=${quote(realm)}, nonce=${quote(nonce)}, uri=${quote(uri)}`
  text += `, response="${response}"`
  if (algorithm !== undefined) text += `, algorithm=${algorithm}`
  if (qop) text += `, cnonce="${qop.cnonce}", qop=${qop.protection}, nc=${qop.nc}`
  if (opaque !== undefined) text += `, opaque=${quote(opaque)}`
  return userhash ? `${text}, userhash=true` : text
}

/** `username`, or `username*` in the form of RFC 8187, which HTTP has for names beyond ASCII; SIP needs it not, and takes it. */
export function usernameOf(parameters: Parameters): string {
  const plain = parameters.get('username')
  if (plain !== undefined) return plain
  const encoded = /^UTF-8'[^']*'(.*)$/i.exec(parameters.get('username*') ?? '')?.[1] ?? ''
  try {
    return decodeURIComponent(encoded)
  } catch {
    return ''
  }
}

function isTrue(text: string | undefined): boolean {
  return text?.toLowerCase() === 'true'
}

const PARAMETER = /^([\w*-]+)[ \t]*=[ \t]*([\s\S]*)$/
const ELEMENT = /^(?:([\w-]+)[ \t]+)?([\w*-]+)[ \t]*=[ \t]*([\s\S]*)$/

/** Takes `Digest a=1, b="2", Digest a=3` apart: an element with a blank before its name begins a new scheme. */
function schemes(value: string): Array<{ scheme: string; parameters: Map<string, string> }> {
  const found: Array<{ scheme: string; parameters: Map<string, string> }> = []
  for (const element of splitList(value)) {
    const match = ELEMENT.exec(element)
    if (!match) continue
    const [, scheme, name = '', text = ''] = match
    if (scheme !== undefined) found.push({ scheme: scheme.toLowerCase(), parameters: new Map() })
    found.at(-1)?.parameters.set(name.toLowerCase(), unquote(text.trim()))
  }
  return found
}
