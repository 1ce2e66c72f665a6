import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Clock } from '../../../lib/clock.ts'
import { systemClock } from '../../../lib/clock.ts'
import { ManualClock } from '../../../lib/manual-clock.ts'
import { createLog } from '../../../lib/log.ts'
import { openHistory } from '../../history/index.ts'
import type { Cluster } from '../cluster.ts'
import { openLocalCluster } from './index.ts'

/** Editors, mounted ConfigMaps and missed events: all of it is seen within this. Milliseconds. */
const SOON = 2_000

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ringcheck-local-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const probe = (name: string, more = '') => `apiVersion: ringcheck.dev/v1alpha1
kind: SipProbe
metadata:
  name: ${name}
spec:
  registrarRef: { name: pbx }
  target: sip:echo@127.0.0.1
${more}`

const secret = (value: string) => `apiVersion: v1
kind: Secret
metadata:
  name: pbx
stringData:
  password: ${value}
`

async function started({ files = {}, folder = temporary(), store = ':memory:', clock = systemClock }: Setup = {}) {
  for (const [name, text] of Object.entries(files)) put(folder, name, text)
  const lines: string[] = []
  const log = createLog({ name: 'test', level: 'info', destination: { write: (line) => void lines.push(line) } })
  const history = await openHistory({ file: store, clock: systemClock })
  const cluster = await openLocalCluster({ folder, objects: history.objects, clock, log })
  let isOpen = true
  const close = async () => {
    if (!isOpen) return
    isOpen = false
    await cluster[Symbol.asyncDispose]()
    await history[Symbol.asyncDispose]()
  }
  onTestFinished(close)
  return { folder, cluster, lines, close, objects: history.objects }
}

interface Setup {
  files?: Record<string, string>
  folder?: string
  store?: string
  clock?: Clock
}

function put(folder: string, name: string, text: string): void {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

const names = (cluster: Cluster) => cluster.list('SipProbe').map(({ metadata }) => metadata.name)
async function becomes(what: () => unknown, expected: unknown): Promise<void> {
  await expect.poll(what, { timeout: SOON, interval: 20 }).toEqual(expected)
}
const messages = (cluster: Cluster) => cluster.problems().map(({ message }) => message)

describe('reading', () => {
  test('several documents a file, folders in folders, Secrets and ConfigMaps', async () => {
    const { cluster } = await started({
      files: {
        'a.yaml': [probe('one'), probe('two'), secret('s3cret')].join('---\n'),
        'deep/down/b.yml': probe('three'),
        'deep/settings.yaml':
          'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: audio, namespace: other}\ndata: {a: b}\nbinaryData: {c: /wA=}\n',
        'notes.txt': 'not: a manifest',
        '.hidden/c.yaml': probe('never'),
      },
    })
    expect(names(cluster)).toEqual(['one', 'two', 'three'])
    expect(await cluster.secret({ namespace: 'default', name: 'pbx' })).toEqual({ password: 's3cret' })
    expect(await cluster.configMap({ namespace: 'other', name: 'audio' })).toEqual({
      a: Buffer.from('b'),
      c: Buffer.of(255, 0),
    })
    expect(await cluster.secret({ namespace: 'default', name: 'none' })).toBeUndefined()
    expect(cluster.problems()).toEqual([])
    expect(cluster.get('SipProbe', { namespace: 'default', name: 'one' })?.spec.callDuration).toBe('10s')
    expect(cluster.get('StatusPage', { namespace: 'default', name: 'one' })).toBeUndefined()
  })

  test('a folder that is not there, or is a file, is an error that names it', async () => {
    const folder = temporary()
    put(folder, 'a.yaml', probe('one'))
    await expect(started({ folder: join(folder, 'none') })).rejects.toThrow(`the folder ${folder}/none does not exist`)
    await expect(started({ folder: join(folder, 'a.yaml') })).rejects.toThrow(
      `the folder ${folder}/a.yaml is not a folder`,
    )
  })

  test('a folder that holds nothing is a problem until it holds something', async () => {
    const { cluster, folder, lines } = await started()
    expect(messages(cluster)).toEqual(['holds no *.yaml or *.yml file'])
    expect(lines.join('')).toContain('the folder holds no *.yaml or *.yml file')
    put(folder, 'a.yaml', probe('one'))
    await becomes(() => names(cluster), ['one'])
    expect(cluster.problems()).toEqual([])
  })

  test('a link that leads back up ends', async () => {
    const folder = temporary()
    put(folder, 'sub/a.yaml', probe('one'))
    symlinkSync(folder, join(folder, 'sub/up'))
    const { cluster } = await started({ folder })
    expect(names(cluster)).toEqual(['one'])
  })
})

describe('a broken file', () => {
  test('is reported with its place while the others go on', async () => {
    const { cluster, folder, lines } = await started({
      files: { 'a.yaml': probe('one'), 'b.yaml': probe('two', '  callDuration: never\n') },
    })
    expect(names(cluster)).toEqual(['one'])
    const [problem] = cluster.problems()
    expect(problem).toMatchObject({ file: join(folder, 'b.yaml'), line: 8, field: 'spec.callDuration' })
    expect(lines.filter((line) => line.includes('broken manifest'))).toHaveLength(1)
  })

  test('leaves the last good version of each object in force', async () => {
    const { cluster, folder, lines } = await started({
      files: { 'a.yaml': [probe('one'), probe('two')].join('---\n') },
    })
    put(folder, 'a.yaml', [probe('one', '  callDuration: 3s\n'), probe('two', '  callDuration: never\n')].join('---\n'))
    const duration = (name: string) => cluster.get('SipProbe', { namespace: 'default', name })?.spec.callDuration
    await becomes(() => duration('one'), '3s')
    expect(duration('two')).toBe('10s')
    expect(cluster.problems()).toHaveLength(1)

    put(folder, 'a.yaml', 'kind: [broken\n')
    await becomes(() => messages(cluster).join().includes('never'), false)
    expect([duration('one'), duration('two')]).toEqual(['3s', '10s'])

    put(folder, 'a.yaml', probe('two'))
    await becomes(() => names(cluster), ['two'])
    expect(cluster.problems()).toEqual([])
    expect(lines.join('')).toContain('every manifest is good again')
  })

  test('tells nothing of what is in a Secret', async () => {
    const { cluster, folder, lines } = await started({ files: { 'a.yaml': secret('hunter2-good') } })
    put(folder, 'a.yaml', secret('"hunter2-bad'))
    await becomes(() => cluster.problems().length > 0, true)
    put(folder, 'b.yaml', secret('hunter2-double').replace('stringData', 'data'))
    await becomes(() => cluster.problems().length > 1, true)
    expect(await cluster.secret({ namespace: 'default', name: 'pbx' })).toEqual({ password: 'hunter2-good' })
    expect(JSON.stringify(cluster.problems()) + lines.join('')).not.toContain('hunter2')
  })

  test('the same object in two files: the first counts, and the second names both places', async () => {
    const { cluster, folder } = await started({
      files: { 'a.yaml': probe('one'), 'b.yaml': [probe('two'), probe('one', '  suspend: true\n')].join('---\n') },
    })
    expect(cluster.get('SipProbe', { namespace: 'default', name: 'one' })?.spec.suspend).toBe(false)
    expect(cluster.problems()).toMatchObject([
      {
        file: join(folder, 'b.yaml'),
        line: 9,
        field: 'metadata.name',
        message: `SipProbe default/one is declared in ${folder}/a.yaml:1 already: that one counts`,
      },
    ])
    unlinkSync(join(folder, 'a.yaml'))
    await becomes(() => cluster.get('SipProbe', { namespace: 'default', name: 'one' })?.spec.suspend, true)
    expect(cluster.problems()).toEqual([])
  })
})

describe('watching', () => {
  test('sees files that come, change and go, and says which object it is about', async () => {
    const { cluster, folder } = await started({ files: { 'a.yaml': probe('one') } })
    const seen: string[] = []
    cluster.onChange(({ kind, key }) => void seen.push(`${kind} ${key.namespace}/${key.name}`))
    put(folder, 'new/b.yaml', [probe('two'), secret('x')].join('---\n'))
    await becomes(() => seen.toSorted(), ['Secret default/pbx', 'SipProbe default/two'])
    expect(names(cluster)).toEqual(['one', 'two'])

    seen.length = 0
    rmSync(join(folder, 'new'), { recursive: true })
    await becomes(() => names(cluster), ['one'])
    expect(seen.toSorted()).toEqual(['Secret default/pbx', 'SipProbe default/two'])
    expect(await cluster.secret({ namespace: 'default', name: 'pbx' })).toBeUndefined()
  })

  test('sees an editor that writes beside and renames', async () => {
    const { cluster, folder } = await started({ files: { 'a.yaml': probe('one') } })
    for (const name of ['two', 'three']) {
      put(folder, '.a.yaml.swp', probe(name))
      renameSync(join(folder, '.a.yaml.swp'), join(folder, 'a.yaml'))
      await becomes(() => names(cluster), [name])
    }
    expect(cluster.problems()).toEqual([])
  })

  test('an editor that empties the file or takes it away for a moment deletes nothing', async () => {
    const clock = new ManualClock()
    const { cluster, folder } = await started({ files: { 'a.yaml': probe('one') }, clock })
    const seen: unknown[] = []
    cluster.onChange((changed) => void seen.push(changed))
    /** One look at the folder, and until it is done: then the next one waits. */
    const looked = async (milliseconds: number) => {
      await clock.advance(milliseconds)
      await expect.poll(() => clock.waiting).toBe(1)
    }
    writeFileSync(join(folder, 'a.yaml'), '')
    await looked(1_000)
    unlinkSync(join(folder, 'a.yaml'))
    await looked(150)
    put(folder, 'a.yaml', probe('one'))
    put(folder, 'b.yaml', probe('two'))
    await looked(150)
    expect([names(cluster), seen]).toEqual([['one'], []])
    await looked(150)
    expect(names(cluster)).toEqual(['one', 'two'])
    expect(seen).toEqual([{ kind: 'SipProbe', key: { namespace: 'default', name: 'two' } }])
  })

  test('sees the symlink swap of a mounted ConfigMap', async () => {
    const folder = temporary()
    put(folder, '..first/a.yaml', probe('one'))
    put(folder, '..second/a.yaml', probe('two'))
    symlinkSync('..first', join(folder, '..data'))
    symlinkSync('..data/a.yaml', join(folder, 'a.yaml'))
    const { cluster } = await started({ folder })
    expect(names(cluster)).toEqual(['one'])
    symlinkSync('..second', join(folder, '..data_tmp'))
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
    await becomes(() => names(cluster), ['two'])
  })

  test('keeps everything when the folder itself goes away, and goes on when it is back', async () => {
    const { cluster, folder, lines } = await started({ files: { 'a.yaml': probe('one') } })
    renameSync(folder, `${folder}-away`)
    await becomes(() => messages(cluster), ['does not exist'])
    expect(names(cluster)).toEqual(['one'])
    renameSync(`${folder}-away`, folder)
    put(folder, 'b.yaml', probe('two'))
    await becomes(() => names(cluster), ['one', 'two'])
    expect(cluster.problems()).toEqual([])
    expect(lines.filter((line) => line.includes('cannot be read'))).toHaveLength(1)
  })

  test('one that unsubscribed hears no more', async () => {
    const { cluster, folder } = await started({ files: { 'a.yaml': probe('one') } })
    const seen: string[] = []
    const subscription = cluster.onChange(({ key }) => void seen.push(`first ${key.name}`))
    cluster.onChange(({ key }) => void seen.push(`second ${key.name}`))
    subscription[Symbol.dispose]()
    put(folder, 'b.yaml', probe('two'))
    await becomes(() => names(cluster), ['one', 'two'])
    expect(seen).toEqual(['second two'])
  })
})

describe('identity and status', () => {
  const key = { namespace: 'default', name: 'one' }

  test('generation rises with the spec alone; the uid stays, also over a restart', async () => {
    const store = join(temporary(), 'store.sqlite')
    const first = await started({ files: { 'a.yaml': probe('one') }, store })
    const identity = (cluster: Cluster) => cluster.get('SipProbe', key)?.metadata
    const before = identity(first.cluster)
    expect(before?.generation).toBe(1)

    const seen: unknown[] = []
    first.cluster.onChange((changed) => void seen.push(changed))
    put(first.folder, 'a.yaml', probe('one').replace('  name: one', '  name: one\n  annotations: { a: b }'))
    await becomes(() => identity(first.cluster)?.annotations, { a: 'b' })
    expect(identity(first.cluster)?.generation).toBe(1)
    expect(seen).toHaveLength(1)

    // The same in another order, a default spelled out, a comment: nothing has changed.
    put(first.folder, 'b.yaml', probe('other'))
    put(
      first.folder,
      'a.yaml',
      `# hello\n${probe('one', '  callDuration: 3s\n').replace('  name: one', '  annotations: { a: b }\n  name: one')}`,
    )
    await becomes(() => identity(first.cluster)?.generation, 2)
    await first.close()

    const second = await started({ folder: first.folder, store })
    expect(identity(second.cluster)).toEqual(identity(first.cluster))
    expect(identity(second.cluster)?.uid).toBe(before?.uid)
    expect(second.cluster.epoch).toBe(first.cluster.epoch + 1)
  })

  test('a status is there at once, is written in order, and survives a restart and a change of the spec', async () => {
    const store = join(temporary(), 'store.sqlite')
    const first = await started({ files: { 'a.yaml': probe('one') }, store })
    const writes = [1, 2, 3].map((sequence) =>
      first.cluster.writeStatus('SipProbe', key, { health: 'Healthy', sequence }),
    )
    expect(first.cluster.status('SipProbe', key)).toEqual({ health: 'Healthy', sequence: 3 })
    await Promise.all(writes)
    put(first.folder, 'a.yaml', probe('one', '  callDuration: 3s\n'))
    await becomes(() => first.cluster.get('SipProbe', key)?.metadata.generation, 2)
    expect(first.cluster.get('SipProbe', key)?.status?.sequence).toBe(3)
    await first.close()

    const second = await started({ folder: first.folder, store })
    expect(second.cluster.status('SipProbe', key)).toEqual({ health: 'Healthy', sequence: 3 })
  })

  test('writing the same again writes nothing, unless the store did not take it', async () => {
    const folder = temporary()
    put(folder, 'a.yaml', probe('one'))
    const history = await openHistory({ file: ':memory:', clock: systemClock })
    onTestFinished(() => history[Symbol.asyncDispose]())
    const written: unknown[] = []
    let refuse = false
    const objects = {
      ...history.objects,
      async writeStatus(_object: unknown, status: unknown) {
        if (refuse) throw new Error('the store is away')
        written.push(status)
      },
    }
    const log = createLog({ name: 'test', level: 'silent' })
    await using cluster = await openLocalCluster({ folder, objects, clock: systemClock, log })
    await cluster.writeStatus('SipProbe', key, { health: 'Healthy' })
    await cluster.writeStatus('SipProbe', key, { health: 'Healthy' })
    expect(written).toEqual([{ health: 'Healthy' }])
    refuse = true
    await cluster.writeStatus('SipProbe', key, { health: 'Degraded' })
    expect(written).toEqual([{ health: 'Healthy' }])
    expect(cluster.status('SipProbe', key)).toEqual({ health: 'Degraded' })
    refuse = false
    await cluster.writeStatus('SipProbe', key, { health: 'Degraded' })
    expect(written).toEqual([{ health: 'Healthy' }, { health: 'Degraded' }])
  })

  test('what was deleted has no status, and writing one does nothing', async () => {
    const { cluster, objects } = await started({ files: { 'a.yaml': probe('two') } })
    await cluster.writeStatus('SipProbe', key, { health: 'Healthy' })
    expect(cluster.status('SipProbe', key)).toBeUndefined()
    expect(await objects.statuses()).toEqual([])
  })
})
