import { mkdtempDisposableSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLog } from '../../lib/log.ts'
import { ManualClock } from '../../lib/manual-clock.ts'
import type { Credentials } from './credentials.ts'
import { openCredentials } from './credentials.ts'

test('a folder of certificates is followed; what cannot be used leaves the one before in force, and is tried again', async () => {
  using temporary = mkdtempDisposableSync(join(tmpdir(), 'credentials-'))
  const folder = temporary.path
  const write = ({ key, certificate, ca }: Credentials) => {
    writeFileSync(join(folder, 'tls.key'), key)
    writeFileSync(join(folder, 'tls.crt'), certificate)
    writeFileSync(join(folder, 'ca.crt'), ca)
  }
  const clock = new ManualClock()
  const logged: string[] = []
  const log = createLog({ name: 'test', level: 'warn', destination: { write: (line) => void logged.push(line) } })
  const first = { key: 'key-1', certificate: 'certificate-1', ca: 'ca-1' }
  write(first)
  const credentials = await openCredentials(folder, clock, log)
  expect(credentials.present).toEqual(first)

  const used: string[] = []
  credentials.watch(({ key }) => {
    used.push(key)
    if (key === 'broken') throw new Error('it does not fit')
  })
  /** Looks once, and lets the files be read. */
  const look = async (seen: number) => {
    await clock.advance(10_000)
    while (used.length + logged.length < seen || clock.waiting === 0)
      await new Promise((resolve) => setImmediate(resolve))
  }
  await look(0)
  write({ ...first, key: 'broken' })
  await look(2)
  expect(credentials.present).toEqual(first)
  rmSync(join(folder, 'tls.crt'))
  await look(3)
  write({ ...first, key: 'key-2' })
  await look(4)
  expect(used).toEqual(['broken', 'key-2'])
  expect(credentials.present.key).toBe('key-2')
  expect(logged).toHaveLength(2)
  expect(logged.join('')).not.toContain('key-1')
  await credentials[Symbol.asyncDispose]()
  expect(clock.waiting).toBe(0)
})

test('a folder without a certificate is named', async () => {
  using temporary = mkdtempDisposableSync(join(tmpdir(), 'credentials-'))
  const log = createLog({ name: 'test', level: 'silent' })
  await expect(openCredentials(temporary.path, new ManualClock(), log)).rejects.toThrow(/tls\.(key|crt)|ca\.crt/)
})
