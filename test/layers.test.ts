/** Holds the direction of imports: each folder may know only what stands below it. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

/** The types of the door to SIP, which all of its layers speak. */
const door = ['engine.ts', 'peer.ts', 'request.ts', 'call.ts'].map((file) => `agent/sip/${file}`)

/** What tests have in common: nothing else may know it. */
const ofTests = ['agent/sip/conformance', 'agent/sip/fuzz', 'agent/media/fuzz', 'lib/fuzz']

/** Folder -> the folders it may import from, besides itself. The longest matching folder of a file counts. */
const allowed: Record<string, readonly string[]> = {
  lib: [],
  crds: ['lib'],
  'agent/quality': ['lib', 'crds'],
  'agent/media': ['lib', 'crds', 'agent/quality'],
  'agent/media/fuzz': ['lib', 'crds', 'agent/media', 'agent/quality'],
  'agent/sip': ['lib', 'crds'],
  'agent/sip/message': ['lib'],
  'agent/sip/sdp': ['lib'],
  'agent/sip/transport': ['lib', ...door, 'agent/sip/limits.ts', 'agent/sip/message'],
  'agent/sip/trace': ['lib', ...door, 'agent/sip/message', 'agent/sip/transport'],
  'agent/sip/digest': ['lib', ...door, 'agent/sip/message'],
  'agent/sip/locate': ['lib', ...door, 'agent/sip/core.ts', 'agent/sip/message', 'agent/sip/transport'],
  'agent/sip/transaction': ['lib', ...door, 'agent/sip/message', 'agent/sip/transport', 'agent/sip/trace'],
  'agent/sip/session': [
    ...['lib', ...door, 'agent/sip/core.ts', 'agent/sip/message', 'agent/sip/sdp', 'agent/sip/transport'],
    ...['agent/sip/trace', 'agent/sip/digest', 'agent/sip/locate', 'agent/sip/transaction'],
  ],
  'agent/sip/conformance': ['lib', 'agent/sip', 'test/lab'],
  'agent/sip/fuzz': ['lib', 'agent/sip', 'agent/sip/conformance'],
  'agent/stream': ['lib', 'agent/sip', 'agent/media'],
  'agent/run': ['lib', 'crds', 'agent/sip', 'agent/media', 'agent/quality', 'agent/stream', 'agent/api/protocol.ts'],
  'agent/api': ['lib', 'crds', 'agent/run'],
  'agent/respond': ['lib', 'crds', 'agent/sip', 'agent/media', 'agent/stream'],
  agent: ['lib', 'crds'],
  'operator/cluster': ['lib', 'crds', 'operator/history'],
  'operator/history': ['lib', 'crds', 'agent/index.ts'],
  'operator/agents': ['lib', 'crds', 'agent', 'operator/cluster'],
  'operator/webhooks': ['lib', 'crds', 'operator/history'],
  'operator/registrars': ['lib', 'crds', 'operator/cluster', 'operator/history'],
  'operator/probes': [
    'lib',
    'crds',
    'agent/index.ts',
    'operator/cluster',
    'operator/agents',
    'operator/history',
    'operator/webhooks',
    'operator/registrars',
  ],
  'operator/statuspages': ['lib', 'crds', 'operator/cluster', 'operator/history', 'operator/pages'],
  'operator/pages': ['lib', 'crds', 'operator/history', 'operator/statuspages'],
  'operator/api': ['lib', 'crds', 'agent/index.ts', 'operator/history', 'operator/cluster'],
  operator: ['lib', 'crds', 'agent'],
  cli: ['lib', 'crds', 'agent', 'operator'],
}

const folders = Object.keys(allowed).toSorted((left, right) => right.length - left.length)
const inside = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`)
const folderOf = (path: string) => folders.find((folder) => inside(path, folder))

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /(?<!\.test|\.fixture)\.ts$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
}

function imports(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?'(\.[^']+\.ts)'/g)].map(([, target]) =>
    normalize(join(dirname(path), target ?? '')),
  )
}

/** `agent` and `operator` as such may use all of their own rooms: they put the process together. */
const mayImport = (from: string, target: string) =>
  inside(target, from) || (allowed[from] ?? []).some((folder) => inside(target, folder))

const isOfTests = (path: string) => ofTests.some((folder) => inside(path, folder))

const files = ['lib', 'crds', 'agent', 'operator', 'cli'].flatMap(sources)

test('every import points the allowed way', () => {
  const wrong = files.flatMap((path) => {
    const from = folderOf(path)
    if (from === undefined) return [`${path} is in no folder of the layout`]
    return imports(path)
      .filter((target) => !mayImport(from, target) || (isOfTests(target) && !isOfTests(path)))
      .map((target) => `${path} imports ${target}`)
  })
  expect(wrong).toEqual([])
})

test('the layout is the one that is checked', () => {
  expect(files.length).toBeGreaterThan(20)
  expect(imports('agent/index.ts').length).toBeGreaterThan(0)
})
