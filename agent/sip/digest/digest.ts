/** The digest computation of RFC 7616 (and of RFC 2617, which it contains): hashes of text. Who answers whom is not decided here, header fields are in fields.ts. */
import { hash } from 'node:crypto'

/** Strongest first. The hash names are those of node:crypto. */
export const algorithms = [
  ['SHA-512-256', 'sha512-256'],
  ['SHA-256', 'sha256'],
  ['MD5', 'md5'],
] as const

export type Algorithm = (typeof algorithms)[number][0]

/** RFC 7616 3.4.3: `auth-int` also covers the body. */
export type Protection = 'auth' | 'auth-int'

export interface DigestInput {
  /** As the challenger wrote it; absent means MD5. Only one that has a `strength`. */
  algorithm: string | undefined
  /** H(A1), from `secret`. */
  secret: string
  /** Empty for the proof of a server (3.5). */
  method: string
  uri: string
  nonce: string
  /** Absent: the old form of RFC 2069. */
  qop?: { protection: Protection; cnonce: string; /** eight hexadecimal digits */ nc: string } | undefined
  /** Matters for `auth-int` only. */
  body: string
}

/** Position in `algorithms`, lower is stronger; undefined when we cannot compute it. */
export function strength(algorithm: string | undefined): number | undefined {
  const name = (algorithm ?? 'MD5').toUpperCase().replace(/-SESS$/, '')
  const index = algorithms.findIndex(([each]) => each === name)
  return index < 0 ? undefined : index
}

/** Lower-case hexadecimal of H(text), the text in UTF-8 (RFC 7616 4). */
export function hashed(algorithm: string | undefined, text: string): string {
  const [, name] = algorithms[strength(algorithm) ?? 2] ?? algorithms[2]
  return hash(name, text, 'hex')
}

/** H(username:realm:password), or for a -sess algorithm that of it with the nonce and cnonce which began the session (RFC 7616 3.4.2). */
export function secret(
  algorithm: string | undefined,
  account: { username: string; realm: string; password: string },
  session: { nonce: string; cnonce: string },
): string {
  const { username, realm, password } = account
  const plain = hashed(algorithm, `${username}:${realm}:${password}`)
  return isSession(algorithm) ? hashed(algorithm, `${plain}:${session.nonce}:${session.cnonce}`) : plain
}

export function isSession(algorithm: string | undefined): boolean {
  return algorithm !== undefined && /-sess$/i.test(algorithm)
}

/** `response`, or with an empty method `rspauth` (RFC 7616 3.4.1, 3.4.3, 3.5), in lower-case hexadecimal. */
export function digestResponse({ algorithm, secret: a1, method, uri, nonce, qop, body }: DigestInput): string {
  const covered = qop?.protection === 'auth-int' ? `:${hashed(algorithm, body)}` : ''
  const a2 = hashed(algorithm, `${method}:${uri}${covered}`)
  const middle = qop ? `${nonce}:${qop.nc}:${qop.cnonce}:${qop.protection}` : nonce
  return hashed(algorithm, `${a1}:${middle}:${a2}`)
}
