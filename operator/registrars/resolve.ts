/** From a SipRegistrar and its Secrets to accounts with passwords, or to a named reason why not. Passwords go into plans and nowhere else. */
import type { SipRegistrarSpec } from '../../crds/index.ts'
import type { KeyedData } from '../cluster/cluster.ts'

export interface Account {
  username: string
  authUsername?: string
  displayName?: string
  realm?: string
  password?: string
  extension?: string
}

export type UnresolvedReason = 'SecretMissing' | 'SecretKeyMissing' | 'InvalidAccounts'

export type ResolvedRegistrar =
  { kind: 'Resolved'; accounts: readonly Account[] } | { kind: 'Unresolved'; reason: UnresolvedReason; message: string }

type Unresolved = Extract<ResolvedRegistrar, { kind: 'Unresolved' }>
type Lookup = { kind: 'Found'; value: string } | Unresolved

/** Reads Secrets of the registrar's namespace by name. */
export type ReadSecret = (name: string) => Promise<KeyedData | undefined>

export async function resolveRegistrar(spec: SipRegistrarSpec, readSecret: ReadSecret): Promise<ResolvedRegistrar> {
  const accounts: Account[] = []
  for (const { passwordRef, ...account } of spec.accounts) {
    if (!passwordRef) {
      accounts.push(account)
      continue
    }
    const password = await lookUp(readSecret, passwordRef)
    if (password.kind === 'Unresolved') return password
    accounts.push({ ...account, password: password.value })
  }
  if (spec.accountsRef) {
    const list = await lookUp(readSecret, spec.accountsRef)
    if (list.kind === 'Unresolved') return list
    const parsed = parseAccounts(list.value)
    if (parsed.kind === 'Unresolved') return parsed
    accounts.push(...parsed.accounts)
  }
  const seen = new Set<string>()
  for (const { username } of accounts) {
    if (seen.has(username)) return unresolved('InvalidAccounts', `The account ${username} is there twice.`)
    seen.add(username)
  }
  if (accounts.length === 0 && spec.register)
    return unresolved('InvalidAccounts', 'There is no account, and register is true.')
  return { kind: 'Resolved', accounts }
}

/** The value of one key of a Secret, or why it cannot be had. */
export async function lookUp(readSecret: ReadSecret, ref: { name: string; key: string }): Promise<Lookup> {
  const secret = await readSecret(ref.name)
  if (!secret) return unresolved('SecretMissing', `The Secret ${ref.name} does not exist.`)
  const value = secret[ref.key]
  if (value === undefined) return unresolved('SecretKeyMissing', `The Secret ${ref.name} has no key ${ref.key}.`)
  return { kind: 'Found', value }
}

/** Bulk accounts: `username,password[,authUsername[,realm[,displayName]]]` a line; no quoting; empty lines and `#` comments are passed over. */
function parseAccounts(text: string): ResolvedRegistrar {
  const accounts: Account[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const fields = line.split(',').map((field) => field.trim())
    const [username, password, authUsername, realm, displayName] = fields
    // The line is named by its number, never by its content: it holds a password.
    if (!username || !password || fields.length > 5)
      return unresolved(
        'InvalidAccounts',
        `Line ${index + 1} of the account list is not username,password[,authUsername[,realm[,displayName]]].`,
      )
    accounts.push({
      username,
      password,
      ...(authUsername && { authUsername }),
      ...(realm && { realm }),
      ...(displayName && { displayName }),
    })
  }
  return { kind: 'Resolved', accounts }
}

function unresolved(reason: UnresolvedReason, message: string): Unresolved {
  return { kind: 'Unresolved', reason, message }
}
