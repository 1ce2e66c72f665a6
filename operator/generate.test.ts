import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('the references of metrics and configuration are what the code says', async () => {
  const check = promisify(execFile)(process.execPath, [join(import.meta.dirname, 'generate.ts'), '--check'])
  await expect(check).resolves.toMatchObject({ stderr: '' })
})
