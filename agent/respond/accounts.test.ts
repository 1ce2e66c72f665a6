import { describe, expect, test } from 'vitest'
import { parseAccounts } from './accounts.ts'

describe('accounts in a file', () => {
  test('one a line, with comments and empty lines between them', () => {
    expect(parseAccounts('# who may register\n1001,secret\r\n\n  1002,a,b \n')).toEqual({
      kind: 'Accounts',
      accounts: [
        { username: '1001', password: 'secret' },
        { username: '1002', password: 'a,b' },
      ],
    })
  })

  test('an empty file has none', () => expect(parseAccounts('')).toEqual({ kind: 'Accounts', accounts: [] }))

  test.each([
    ['1001', 1, 'must be username,password'],
    ['1001,a\n,b', 2, 'has no username'],
    ['1001,', 1, 'has no password'],
    ['1001,a\n1001,b', 2, 'has a username that an earlier line has'],
    ['10"01,a', 1, 'has a quote, a backslash or a control character in its username'],
    [`${'1'.repeat(129)},a`, 1, 'has a username of more than 128 characters'],
  ])('%j is refused by the number of its line', (text, line, detail) =>
    expect(parseAccounts(text)).toEqual({ kind: 'Invalid', line, detail }),
  )
})
