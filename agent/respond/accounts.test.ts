import { describe, expect, test } from 'vitest'
import { parseAccounts } from './accounts.ts'

describe('accounts in a file', () => {
  test('one a line, with comments and empty lines between them', () => {
    expect(parseAccounts('# who may register\n1001,secret\r\n\n  1002 , two words \n')).toEqual({
      kind: 'Accounts',
      accounts: [
        { username: '1001', password: 'secret' },
        { username: '1002', password: 'two words' },
      ],
    })
  })

  test('an empty file has none', () => expect(parseAccounts('')).toEqual({ kind: 'Accounts', accounts: [] }))

  test.each([
    ['1001', 1, 'must be username,password'],
    ['1001,a\n,b', 2, 'must be username,password'],
    ['1001,', 1, 'must be username,password'],
    ['1001,secret,auth', 1, 'must be username,password'],
    ['# one\n1001,a\n1001,b', 3, 'has the username of an earlier line'],
  ])('%j is refused by the number of its line', (text, line, detail) =>
    expect(parseAccounts(text)).toEqual({ kind: 'Invalid', line, detail }),
  )
})
