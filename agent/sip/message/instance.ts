/** The identity of a user agent instance (RFC 5626 4.1, RFC 4122 4.3): the same name gives the same one, after a restart too. Nothing is random here. */
import { hash } from 'node:crypto'

/** A version 5 UUID of a name that tells this user agent from all others: `urn:uuid:00000000-0000-5000-8000-000000000000`. */
export function instanceOf(name: string): string {
  const digest = hash('sha1', `urn:ringcheck:user-agent:${name}`, 'hex')
  const variant = ((Number.parseInt(digest.slice(16, 18), 16) & 0x3f) | 0x80).toString(16)
  const parts = [digest.slice(0, 8), digest.slice(8, 12), `5${digest.slice(13, 16)}`]
  return `urn:uuid:${parts.join('-')}-${variant}${digest.slice(18, 20)}-${digest.slice(20, 32)}`
}
