/** The accounts that may register at the responder, as a file spells them; it checks no password. */

export interface Account {
  readonly username: string
  readonly password: string
}

export type Accounts = { kind: 'Accounts'; accounts: Account[] } | { kind: 'Invalid'; line: number; detail: string }

const LONGEST = 128

/**
 * Parses `username,password` lines. Empty lines and lines that begin with # are passed over; the first comma separates, so that a
 * password may have commas. What is wrong is named by the number of its line, never by its content.
 */
export function parseAccounts(text: string): Accounts {
  const accounts = new Map<string, Account>()
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const comma = line.indexOf(',')
    const username = line.slice(0, Math.max(0, comma)).trim()
    const password = line.slice(comma + 1)
    const detail = problem(username, password, accounts)
    if (comma < 0) return { kind: 'Invalid', line: index + 1, detail: 'must be username,password' }
    if (detail !== undefined) return { kind: 'Invalid', line: index + 1, detail }
    accounts.set(username, { username, password })
  }
  return { kind: 'Accounts', accounts: [...accounts.values()] }
}

function problem(username: string, password: string, known: ReadonlyMap<string, Account>): string | undefined {
  if (username === '') return 'has no username'
  if (username.length > LONGEST) return `has a username of more than ${LONGEST} characters`
  if (/["\\]|\p{Cc}/u.test(username)) return 'has a quote, a backslash or a control character in its username'
  if (password === '') return 'has no password'
  if (known.has(username)) return 'has a username that an earlier line has'
  return undefined
}
