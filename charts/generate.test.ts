import { expect, test } from 'vitest'
import { staleFiles } from '../crds/generate.ts'
import { copiedFiles } from './generate.ts'

test('what the chart and kustomize have in common is as generated', async () => {
  expect(await staleFiles(await copiedFiles())).toEqual([])
})
