/** Finds and reads the YAML files below a folder and tells when they changed. It does not know what is in them. */
import type { Stats } from 'node:fs'
import { watch } from 'node:fs'
import { readFile, readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../../lib/clock.ts'

/** File -> what changes when it is written, replaced or becomes unreadable. In path order. */
export type Snapshot = ReadonlyMap<string, string>

/** Larger than a manifest of 1,000 probes by far; a file that is larger is not one. */
const LARGEST_FILE = 16 * 1024 * 1024

const isManifest = (name: string): boolean => /\.ya?ml$/i.test(name)

/** Names that begin with a dot are not ours: `.git`, and the folders behind the symlinks of a mounted ConfigMap (`..data`). */
const isHidden = (name: string): boolean => name.startsWith('.')

/** Looks at all files below `folder`, links followed. Throws when `folder` itself cannot be read. */
export async function look(folder: string): Promise<Snapshot> {
  const found: [string, string][] = []
  await descend(folder, [], found)
  return new Map(found.toSorted(([left], [right]) => (left < right ? -1 : 1)))
}

async function descend(folder: string, above: readonly string[], found: [string, string][]): Promise<void> {
  const real = await realpath(folder)
  // A link that leads back up would never end.
  if (above.includes(real)) return
  const names = (await readdir(folder)).filter((name) => !isHidden(name))
  for (const name of names) {
    const path = join(folder, name)
    const stats = await stat(path).catch(() => undefined)
    if (stats?.isDirectory()) await descend(path, [...above, real], found).catch(() => found.push([path, UNREADABLE]))
    else if (isManifest(name)) found.push([path, stats ? stampOf(stats) : 'gone'])
  }
}

/** Stamp of a folder that may not be read: what is below it is not known, which is not the same as gone. */
export const UNREADABLE = 'unreadable'

const stampOf = ({ ino, size, mtimeMs, ctimeMs }: Stats): string => `${ino} ${size} ${mtimeMs} ${ctimeMs}`

export type FileContent = { kind: 'Bytes'; bytes: Uint8Array } | { kind: 'Unreadable'; message: string }

export async function readManifest(path: string): Promise<FileContent> {
  try {
    const stats = await stat(path)
    if (stats.isDirectory()) return { kind: 'Unreadable', message: 'this folder cannot be read' }
    const { size } = stats
    if (size > LARGEST_FILE) return { kind: 'Unreadable', message: `is larger than ${LARGEST_FILE / 2 ** 20} MiB` }
    return { kind: 'Bytes', bytes: await readFile(path) }
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    return { kind: 'Unreadable', message: `cannot be read (${code})` }
  }
}

export interface WatchOptions {
  folder: string
  clock: Clock
  /** What was loaded last. */
  loaded: () => Snapshot
  /** The files are no longer as loaded, and have been quiet for a moment. The next look waits for it. */
  onChange: (now: Snapshot) => Promise<void>
  /** The folder itself could not be read, or can be again (undefined). */
  onTrouble: (cause: unknown) => void
}

/** Every change is seen by then, also those that the system's events miss: network mounts, links further up, full queues. */
const RESCAN = 1_000
/** A change counts once nothing has moved for this long: editors empty a file before they write it, or take it away for a moment. */
const SETTLE = 150
/** A file that is written all the time does not hold up the others for longer than this. */
const PATIENCE = 600

/** Watches until disposed. Disposing waits for a look that is under way. */
export function watchFolder(options: WatchOptions): AsyncDisposable {
  const { folder, clock } = options
  const stopped = new AbortController()
  let timer: Disposable | undefined
  let looking: Promise<void> | undefined
  /** A look is due within SETTLE; more events do not put it off. */
  let soon = false
  let changing: { since: number; seen: string } | undefined

  const next = (milliseconds: number) => {
    timer?.[Symbol.dispose]()
    if (!stopped.signal.aborted) timer = clock.timer(milliseconds, start)
  }
  const start = () => {
    soon = false
    looking = lookOnce()
      .catch(options.onTrouble)
      .finally(() => {
        looking = undefined
        next(changing || soon ? SETTLE : RESCAN)
      })
  }
  const lookOnce = async () => {
    const snapshot = await look(folder)
    options.onTrouble(undefined)
    const seen = textOf(snapshot)
    const since = changing?.since ?? clock.monotonic()
    if (seen === textOf(options.loaded())) changing = undefined
    else if (changing?.seen === seen || clock.monotonic() - since >= PATIENCE) {
      changing = undefined
      await options.onChange(snapshot)
    } else changing = { since, seen }
  }

  const system = systemEvents(folder, stopped.signal, () => {
    if (!soon && !looking && !changing) next(SETTLE)
    soon = true
  })
  next(RESCAN)
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort()
      timer?.[Symbol.dispose]()
      system[Symbol.dispose]()
      await looking
    },
  }
}

const textOf = (snapshot: Snapshot): string => JSON.stringify([...snapshot])

/** Makes it quick where it works; where the system refuses (too many watches), the slow look does it alone. */
function systemEvents(folder: string, signal: AbortSignal, onEvent: () => void): Disposable {
  try {
    const watcher = watch(folder, { recursive: true, signal }, onEvent)
    watcher.on('error', () => watcher.close())
    return { [Symbol.dispose]: () => watcher.close() }
  } catch {
    return { [Symbol.dispose]: () => undefined }
  }
}
