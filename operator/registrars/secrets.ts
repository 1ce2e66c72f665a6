/** One value of a Secret, or the named reason why it cannot be had. */
import type { KeyedData } from '../cluster/cluster.ts'

export type UnresolvedReason =
  'SecretMissing' | 'SecretKeyMissing' | 'InvalidAccounts' | 'InvalidCertificate' | 'CertificateExpired'

export interface Unresolved {
  kind: 'Unresolved'
  reason: UnresolvedReason
  message: string
}

/** Reads Secrets of the registrar's namespace by name. */
export type ReadSecret = (name: string) => Promise<KeyedData | undefined>

/** The value of one key of a Secret, or why it cannot be had. */
export async function lookUp(
  readSecret: ReadSecret,
  ref: { name: string; key: string },
): Promise<{ kind: 'Found'; value: string } | Unresolved> {
  const secret = await readSecret(ref.name)
  if (!secret) return unresolved('SecretMissing', `The Secret ${ref.name} does not exist.`)
  const value = secret[ref.key]
  if (value === undefined) return unresolved('SecretKeyMissing', `The Secret ${ref.name} has no key ${ref.key}.`)
  return { kind: 'Found', value }
}

export function unresolved(reason: UnresolvedReason, message: string): Unresolved {
  return { kind: 'Unresolved', reason, message }
}
