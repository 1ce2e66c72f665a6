import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { problemLine, validateFiles } from './index.ts'

function files(...texts: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'ringcheck-validate-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return texts.map((text, index) => {
    const path = join(folder, `${index}.yaml`)
    writeFileSync(path, text)
    return path
  })
}

const resource = (kind: string, name: string, spec: string) =>
  `apiVersion: ringcheck.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: ${spec}\n`
const registrar = resource(
  'SipRegistrar',
  'pbx',
  "{ domain: a, accounts: [{ username: '1', passwordRef: { name: s, key: p } }] }",
)
const secret = 'apiVersion: v1\nkind: Secret\nmetadata: { name: s }\nstringData: { q: x }\n'

test('a file that is not there is a problem', async () => {
  const { problems } = await validateFiles(['/nowhere/at/all.yaml'])
  expect(problems.map(problemLine)).toEqual(['/nowhere/at/all.yaml:1:1: cannot be read: ENOENT'])
})

test('the same object twice, also in two files, says where the first is', async () => {
  const [first = '', second = ''] = files(registrar, registrar)
  const { problems } = await validateFiles([first, second])
  expect(problems.map(problemLine)).toEqual([
    `${second}:1:1: metadata.name: SipRegistrar default/pbx is declared before, at ${first}:1`,
  ])
})

test('warnings tell what will not work together', async () => {
  const probe = resource('SipProbe', 'p', "{ registrarRef: { name: pbx }, account: '2', target: 'sip:a@b' }")
  const lost = resource(
    'SipProbe',
    'lost',
    "{ registrarRef: { name: gone }, target: 'sip:a@b', webhooks: [{ name: w, url: 'https://x' }] }",
  )
  const page = resource('StatusPage', 'page', '{ title: T, components: [{ name: A, probeRef: { name: none } }] }')
  const run = resource('SipLoadTestRun', 'run', '{ testRef: { name: test } }')
  const { problems, warnings } = await validateFiles(files([registrar, probe, lost, page, run, secret].join('---\n')))
  expect(problems).toEqual([])
  expect(warnings.map((warning) => `${warning.resource}: ${warning.message}`)).toEqual([
    'SipRegistrar default/pbx: Secret s has no key p',
    'SipProbe default/p: has no webhooks: nobody is told when its health changes',
    'SipProbe default/p: SipRegistrar pbx has no account 2',
    'SipProbe default/lost: SipRegistrar gone is not in these files',
    'StatusPage default/page: SipProbe none is not in these files',
    'SipLoadTestRun default/run: SipLoadTest test is not in these files',
  ])
})
