import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { apiErrors } from './errors.ts'

test('every code has its row in the reference, and the reference has no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/reference/api.md'), 'utf8')
  const rows = page.split('\n').filter((line) => /^\| `\w+` \| \d{3} \|/.test(line))
  const expected = Object.entries(apiErrors).map(
    ([code, { status, meaning }]) => `| \`${code}\` | ${status} | ${meaning} |`,
  )
  expect(rows).toEqual(expected)
})
