/** The digest computation of RFC 7616 (and of RFC 2617, which it contains): hashes, challenges and credentials as text. Who answers whom is not decided here. */
import { createHash } from 'node:crypto'
import { quote, splitList, unquote } from '../message/uri.ts'

/** Strongest first. The hash names are those of node:crypto. */
export const algorithms = [
  ['SHA-512-256', 'sha512-256'],
  ['SHA-256', 'sha256'],
  ['MD5', 'md5'],
] as const

export type Algorithm = (typeof algorithms)[number][0]

export interface Challenge {
  realm: string
  nonce: string
  opaque?: string
  /** As the challenger wrote it; absent means MD5. It is echoed only when it was there. */
  algorithm?: string
  /** Absent: the server is of RFC 2069's time and wants no qop. */
  qop?: readonly string[]
  stale: boolean
}

export interface DigestInput {
  algorithm?: string
  username: string
  realm: string
  password: string
  method: string
  uri: string
  nonce: string
  /** With these three it is qop=auth; without, the old form of RFC 2069. */
  qop?: { cnonce: string; /** eight hexadecimal digits */ nc: string }
}

/** Position in `algorithms`, lower is stronger; undefined when we cannot compute it. */
export function strength(algorithm: string | undefined): number | undefined {
  const name = baseName(algorithm)
  const index = algorithms.findIndex(([each]) => each === name)
  return index < 0 ? undefined : index
}

function baseName(algorithm: string | undefined): string {
  return (algorithm ?? 'MD5').toUpperCase().replace(/-SESS$/, '')
}

/** RFC 7616 3.4.1 to 3.4.3, in lower-case hexadecimal. Only for algorithms that have a `strength`. */
export function digestResponse(input: DigestInput): string {
  const { algorithm, username, realm, password, method, uri, nonce, qop } = input
  const [, hashName] = algorithms[strength(algorithm) ?? 2] ?? algorithms[2]
  const hash = (text: string): string => createHash(hashName).update(text).digest('hex')
  const session = /-sess$/i.test(algorithm ?? '')
  const plain = hash(`${username}:${realm}:${password}`)
  const a1 = session ? hash(`${plain}:${nonce}:${qop?.cnonce ?? ''}`) : plain
  const a2 = hash(`${method}:${uri}`)
  return hash(qop ? `${a1}:${nonce}:${qop.nc}:${qop.cnonce}:auth:${a2}` : `${a1}:${nonce}:${a2}`)
}

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
      ...(qop !== undefined && { qop: qop.split(',').map((each) => each.trim().toLowerCase()) }),
      stale: parameters.get('stale')?.toLowerCase() === 'true',
    }
  })
}

/** The parameters of the Digest credentials of an Authorization or Proxy-Authorization value; undefined when it is another scheme. */
export function parseCredentials(value: string): ReadonlyMap<string, string> | undefined {
  return schemes(value).find(({ scheme }) => scheme === 'digest')?.parameters
}

/** An Authorization or Proxy-Authorization value. */
export function credentialsText(input: DigestInput, opaque: string | undefined): string {
  const { algorithm, username, realm, nonce, uri, qop } = input
  const parts = [`username=${quote(username)}`, `realm=${quote(realm)}`, `nonce=${quote(nonce)}`, `uri=${quote(uri)}`]
  parts.push(`response="${digestResponse(input)}"`)
  if (algorithm !== undefined) parts.push(`algorithm=${algorithm}`)
  if (qop) parts.push(`cnonce="${qop.cnonce}"`, 'qop=auth', `nc=${qop.nc}`)
  if (opaque !== undefined) parts.push(`opaque=${quote(opaque)}`)
  return `Digest ${parts.join(', ')}`
}

/** Takes `Digest a=1, b="2", Digest a=3` apart: an element with a blank before its name begins a new scheme. */
function schemes(value: string): Array<{ scheme: string; parameters: Map<string, string> }> {
  const found: Array<{ scheme: string; parameters: Map<string, string> }> = []
  for (const element of splitList(value)) {
    const match = /^(?:([\w-]+)[ \t]+)?([\w-]+)[ \t]*=[ \t]*([\s\S]*)$/.exec(element)
    if (!match) continue
    const [, scheme, name = '', text = ''] = match
    if (scheme !== undefined) found.push({ scheme: scheme.toLowerCase(), parameters: new Map() })
    found.at(-1)?.parameters.set(name.toLowerCase(), unquote(text.trim()))
  }
  return found
}
