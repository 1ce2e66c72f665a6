import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('the reference of the metrics is what the registries say', async () => {
  const check = promisify(execFile)(process.execPath, [join(import.meta.dirname, 'generate.ts'), '--check'])
  await expect(check).resolves.toMatchObject({ stderr: '' })
})
