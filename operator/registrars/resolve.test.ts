import { describe, expect, test } from 'vitest'
import { resolveRegistrar as resolveAt } from './resolve.ts'

type Spec = Parameters<typeof resolveAt>[0]
const resolveRegistrar = (...[of, read]: [Spec, Parameters<typeof resolveAt>[1]]) => resolveAt(of, read, 0)
const spec = (fields: object) => ({ accounts: [], register: true, ...fields }) as unknown as Spec
const secrets = (all: Record<string, Record<string, string>>) => (name: string) => Promise.resolve(all[name])
const alice = { username: 'alice', passwordRef: { name: 'sip', key: 'alice' } }

describe('accounts of a registrar', () => {
  test('get their passwords from Secrets', async () => {
    const resolved = await resolveRegistrar(spec({ accounts: [alice] }), secrets({ sip: { alice: 'pw' } }))
    expect(resolved).toMatchObject({ kind: 'Resolved', accounts: [{ username: 'alice', password: 'pw' }] })
  })

  test('come in bulk from a list', async () => {
    const list = 'bob,pw-1\n\n# comment\ncarol,pw-2,carol-auth,example.com,Carol\r\n'
    const resolved = await resolveRegistrar(
      spec({ accountsRef: { name: 'sip', key: 'list' } }),
      secrets({ sip: { list } }),
    )
    expect(resolved).toMatchObject({
      kind: 'Resolved',
      accounts: [
        { username: 'bob', password: 'pw-1' },
        { username: 'carol', password: 'pw-2', authUsername: 'carol-auth', realm: 'example.com', displayName: 'Carol' },
      ],
    })
  })

  test.each([
    ['SecretMissing', {}, { accounts: [alice] }],
    ['SecretKeyMissing', { sip: { bob: 'pw' } }, { accounts: [alice] }],
    [
      'InvalidAccounts',
      { sip: { list: 'bob,pw\nbroken line with a secret' } },
      { accountsRef: { name: 'sip', key: 'list' } },
    ],
    ['InvalidAccounts', { sip: { list: 'bob,1\nbob,2' } }, { accountsRef: { name: 'sip', key: 'list' } }],
    ['InvalidAccounts', {}, {}],
  ])('are refused with %s', async (reason, all, fields) => {
    const resolved = await resolveRegistrar(spec(fields), secrets(all as Record<string, Record<string, string>>))
    expect(resolved).toMatchObject({ kind: 'Unresolved', reason })
  })

  test('a bad line is named by its number and never by its content', async () => {
    const resolved = await resolveRegistrar(
      spec({ accountsRef: { name: 'sip', key: 'list' } }),
      secrets({ sip: { list: 'bob,pw\nhunter2' } }),
    )
    expect(resolved).toMatchObject({ message: expect.stringContaining('Line 2') })
    expect(JSON.stringify(resolved)).not.toContain('hunter2')
  })

  test('a trunk that knows us by our address needs none', async () => {
    expect(await resolveRegistrar(spec({ register: false }), secrets({}))).toMatchObject({
      kind: 'Resolved',
      accounts: [],
    })
  })
})
