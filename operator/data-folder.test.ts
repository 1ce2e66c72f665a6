import { mkdtempDisposableSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { claimDataFolder } from './data-folder.ts'

test('a folder is made for its user alone, and has one operator at a time', () => {
  using temporary = mkdtempDisposableSync(join(tmpdir(), 'data-folder-'))
  const folder = join(temporary.path, 'new', 'data')
  const claim = claimDataFolder(folder)
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  expect(() => claimDataFolder(folder)).toThrow(`${folder} is in use by another ringcheck serve`)
  claim[Symbol.dispose]()
  using _again = claimDataFolder(folder)
})

test('a folder that cannot be made is named with the flag', () => {
  using temporary = mkdtempDisposableSync(join(tmpdir(), 'data-folder-'))
  writeFileSync(join(temporary.path, 'file'), '')
  expect(() => claimDataFolder(join(temporary.path, 'file', 'data'))).toThrow('(ENOTDIR): choose another with --data')
})
