/** The accounts that may register at the responder, as a file spells them; it checks no password. */

export interface Account {
  readonly username: string
  readonly password: string
}

export type Accounts = { kind: 'Accounts'; accounts: Account[] } | { kind: 'Invalid'; line: number; detail: string }

/**
 * Parses `username,password` lines, the short form of the list that a SipRegistrar's `accountsRef` takes: no quoting; empty lines and
 * `#` comments are passed over. What is wrong is named by the number of its line, never by its content: it holds a password.
 */
export function parseAccounts(text: string): Accounts {
  const passwords = new Map<string, string>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const [username = '', password = '', ...more] = line.split(',').map((field) => field.trim())
    const invalid = (detail: string): Accounts => ({ kind: 'Invalid', line: index + 1, detail })
    if (username === '' || password === '' || more.length > 0) return invalid('must be username,password')
    if (passwords.has(username)) return invalid('has the username of an earlier line')
    passwords.set(username, password)
  }
  return { kind: 'Accounts', accounts: [...passwords].map(([username, password]) => ({ username, password })) }
}
