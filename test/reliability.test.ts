/** Holds the table of docs/reference/reliability.md equal to the rows that are tested. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROWS } from './kube/chaos-rows.ts'

test('the page about reliability has the rows that are tested, and no others', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/reference/reliability.md'), 'utf8')
  const [table = ''] = page.split('\n## ')
  const rows = table.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
  expect(rows.slice(1)).toEqual(ROWS.map(({ happens, moment, then }) => `| ${happens} | ${moment} | ${then} |`))
})
