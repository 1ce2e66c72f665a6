/** Signs by Standard Webhooks 1.0.0. Where the secrets come from is not known here. */
import { Webhook } from 'standardwebhooks'

/** A `whsec_` and base64 of 24 to 64 bytes, as the specification asks for. */
const SECRET = /^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/

export type Secrets = { secrets: readonly string[] } | { problem: string }

/** A Secret's text: one signing secret, or during a rotation several, apart by white space. The problem never shows the text. */
export function parseSecrets(text: string): Secrets {
  const secrets = text.split(/\s+/).filter((word) => word !== '')
  if (secrets.length === 0) return { problem: 'the signing secret is empty' }
  if (!secrets.every(isSecret)) return { problem: 'the signing secret is not whsec_ and base64 of 24 to 64 bytes' }
  return { secrets }
}

function isSecret(word: string): boolean {
  if (!SECRET.test(word)) return false
  const bytes = Buffer.from(word.slice('whsec_'.length), 'base64').length
  return bytes >= 24 && bytes <= 64
}

export interface Message {
  id: string
  /** Of this attempt, milliseconds since 1970. */
  at: number
  body: string
}

/**
 * webhook-id: evt_...           the event's, the same on every attempt
 * webhook-timestamp: 1767225600 the attempt's, whole seconds since 1970
 * webhook-signature: v1,... v1,...   base64 HMAC-SHA256 of `id.timestamp.body`, one for each secret; absent without any
 */
export function signedHeaders({ id, at, body }: Message, secrets: readonly string[]): Record<string, string> {
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(Math.floor(at / 1000)) }
  if (secrets.length === 0) return headers
  const signatures = secrets.map((secret) => new Webhook(secret).sign(id, new Date(at), body))
  return { ...headers, 'webhook-signature': signatures.join(' ') }
}
