/** From a SipRegistrar and its Secrets to accounts with passwords and settings for TLS, or to a named reason why not. They go into plans and nowhere else. */
import type { SipRegistrarSpec } from '../../crds/index.ts'
import { resolveTls, type TlsSettings } from './certificates.ts'
import { lookUp, type ReadSecret, type Unresolved, unresolved } from './secrets.ts'

export interface Account {
  username: string
  authUsername?: string
  displayName?: string
  realm?: string
  password?: string
  extension?: string
}

type ResolvedAccounts = { kind: 'Resolved'; accounts: readonly Account[] } | Unresolved

export type ResolvedRegistrar =
  | {
      kind: 'Resolved'
      accounts: readonly Account[]
      tls: TlsSettings
      /** A sentence about a certificate of ours that will expire soon. */
      expiring?: string
    }
  | Unresolved

/** @param now milliseconds since 1970: what has expired by then is of no use */
export async function resolveRegistrar(
  spec: SipRegistrarSpec,
  readSecret: ReadSecret,
  now: number,
): Promise<ResolvedRegistrar> {
  const accounts = await resolveAccounts(spec, readSecret)
  if (accounts.kind === 'Unresolved') return accounts
  const tls = await resolveTls(spec, readSecret, now)
  if (tls.kind === 'Unresolved') return tls
  const { settings, expiring } = tls
  return { ...accounts, tls: settings, ...(expiring !== undefined && { expiring }) }
}

async function resolveAccounts(spec: SipRegistrarSpec, readSecret: ReadSecret): Promise<ResolvedAccounts> {
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

/** Bulk accounts: `username,password[,authUsername[,realm[,displayName]]]` a line; no quoting; empty lines and `#` comments are passed over. */
function parseAccounts(text: string): ResolvedAccounts {
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
