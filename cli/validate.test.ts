import { mkdtempDisposableSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from './terminal.fixture.ts'

const root = join(import.meta.dirname, '..')
const filesOf = (folder: string) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`)

const validate = (...files: string[]) => run('validate', ...files)

test('prints for each invalid file exactly its line, and exits 1', async () => {
  const wrong: string[] = []
  for (const file of filesOf('crds/testdata/invalid')) {
    const expected = [...readFileSync(join(root, file), 'utf8').matchAll(/^# validate: (.*)$/gm)].map(
      ([, line]) => line,
    )
    const { code, out } = await validate(file)
    if (code !== 1 || out !== `${expected.join('\n')}\n`) wrong.push(`${file} exits ${code}: ${out}`)
  }
  expect(wrong).toEqual([])
})

test('exits 0 for each valid file, and for the samples', async () => {
  for (const file of filesOf('crds/testdata/valid')) expect(await validate(file)).toMatchObject({ code: 0, out: '' })
  const samples = await validate(...filesOf('config/samples/base').filter((path) => path.endsWith('.yaml')))
  expect(samples).toMatchObject({ code: 0, out: '' })
  expect(samples.err).toBe('10 resources are valid\n')
})

/** The YAML of a guide that is a whole manifest of our kinds, and not a part of one. */
function manifestsIn(guide: string): string[] {
  const text = readFileSync(join(root, guide), 'utf8')
  return [...text.matchAll(/^( *)```yaml\n(.*?)^ *```$/gms)]
    .map(([, indent = '', block = '']) => block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''))
    .filter((block) => block.startsWith('apiVersion:') && block.includes('apiVersion: ringcheck.dev/'))
}

test('exits 0 for what the guides tell to write, and knows how to carry it out', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'guides-'))
  const files = [...filesOf('docs/guides'), 'README.md']
    .filter((name) => name.endsWith('.md'))
    .flatMap((guide) =>
      manifestsIn(guide).map((manifest, index) => {
        const file = join(folder.path, `${guide.replaceAll('/', '-')}-${index}.yaml`)
        writeFileSync(file, manifest)
        return file
      }),
    )
  expect(files.length).toBeGreaterThan(5)
  for (const file of files) {
    const { code, out, err } = await validate(file)
    expect({ file, code, out }).toEqual({ file, code: 0, out: '' })
    expect(err).not.toContain('this version will not call')
  }
})

test('warns of what is valid and would never be called', async () => {
  const { code, err } = await validate('crds/testdata/valid/sipregistrar-drachtio.yaml')
  expect(code).toBe(0)
  expect(err).toContain('warning: this version will not call: spec.')
})

test('a file that is not there is named', async () => {
  const { code, out } = await validate('crds/testdata/valid/none.yaml')
  expect(out).toContain('crds/testdata/valid/none.yaml:1:1: cannot be read: ENOENT')
  expect(code).toBe(1)
})
