import { spawnSync } from 'node:child_process'
import { lstatSync, readFileSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { writeImageFiles } from '../../image/files.ts'
import { temporaryFolder } from '../lab/process.ts'
import { commandPath } from '../lab/requirements.ts'

const ROOT = join(import.meta.dirname, '../..')
const MIB = 1024 ** 2

const folder = temporaryFolder('image')
const image = join(folder.path, 'root')

beforeAll(() => writeImageFiles(image))
afterAll(() => folder[Symbol.dispose]())

const files = () =>
  readdirSync(image, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

test('is as large as its page says', () => {
  const page = readFileSync(join(ROOT, 'docs/reference/image.md'), 'utf8')
  const stated = Number(/(\d+) MiB/.exec(page)?.[1])
  const size = files().reduce((sum, file) => sum + lstatSync(file).size, 0) / MIB
  expect(Math.abs(size - stated), `it is ${Math.round(size)} MiB`).toBeLessThan(stated * 0.05)
})

test('holds what the product needs in production, and nothing for tests', () => {
  const lock = z
    .object({ packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })) })
    .parse(JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')))
  const development = Object.entries(lock.packages).flatMap(([path, { dev }]) => (dev === true ? [`${path}/`] : []))
  const inside = files().map((file) => relative(join(image, 'app'), file))
  expect(inside.filter((file) => development.some((path) => file.startsWith(path)))).toEqual([])
  expect(inside.filter((file) => /\.(test|fixture)\.ts$|testdata|fuzz/.test(file))).toEqual([])
})

test('runs as user 65532 with nothing around it', () => {
  const words = ['--userspec=65532:65532', image, '/usr/local/bin/node', '/app/cli/main.ts']
  const samples = readdirSync(join(image, 'app/config/samples/base')).filter((name) => name.endsWith('.yaml'))
  const validate = [...words, 'validate', ...samples.map((name) => `/app/config/samples/base/${name}`)]
  expect(spawnSync(commandPath('chroot'), validate, { encoding: 'utf8' }).stderr).toContain('resources are valid')
})
