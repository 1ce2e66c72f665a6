import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Access } from '../cluster/access.ts'
import { keyAuthenticator, readKeys } from './keys.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keys-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const hash = (key: string) => createHash('sha256').update(key).digest('hex')
const write = (name: string, text: string) => writeFileSync(join(folder, name), text)

const rights: readonly Access[] = [
  { verb: 'get', kind: 'SipProbe', namespace: 'default', name: 'echo' },
  { verb: 'list', kind: 'SipRegistrar' },
  { verb: 'create', kind: 'SipProbe', subresource: 'run', namespace: 'default', name: 'echo' },
]

/** What a key is told for each of the rights. */
async function told(key: string): Promise<string | string[]> {
  const found = await keyAuthenticator(() => readKeys(folder))(key)
  if (found.kind !== 'User') return found.kind
  const decisions = await Promise.all(rights.map((access) => found.authorize(access)))
  return decisions.map(({ kind }) => kind)
}

test('a key for reading reads, one for writing does everything, and a hash is no key', async () => {
  write('read', `${hash('reader')}  -\n\n${hash('dashboard')} of the wall screen\n`)
  write('write', `${hash('gate')}\n`)
  expect(await told('reader')).toEqual(['Allowed', 'Allowed', 'Denied'])
  expect(await told('dashboard')).toEqual(['Allowed', 'Allowed', 'Denied'])
  expect(await told('gate')).toEqual(['Allowed', 'Allowed', 'Allowed'])
  for (const wrong of ['', 'reade', 'reader ', hash('gate')])
    expect([wrong, await told(wrong)]).toEqual([wrong, 'Unknown'])
})

test('keys are changed without a restart, and a broken file opens nothing', async () => {
  write('write', hash('old'))
  expect(await told('old')).toHaveLength(3)
  write('write', hash('new'))
  expect([await told('old'), await told('new')]).toEqual(['Unknown', ['Allowed', 'Allowed', 'Allowed']])
  write('write', 'new')
  expect([await told('new'), await told('old')]).toEqual(['Undecided', 'Undecided'])
})

test('what is wrong is named by file and line, and not shown', async () => {
  await expect(readKeys(folder)).rejects.toThrow('there is no key in the files read and write')
  write('read', `${hash('a')}\nsecret-in-plain-text\n`)
  const error = await readKeys(folder).catch(String)
  expect(error).toContain(`${join(folder, 'read')}:2: must begin with a SHA-256 in 64 hexadecimal digits`)
  expect(error).not.toContain('secret')
})
