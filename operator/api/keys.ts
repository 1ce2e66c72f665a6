/** Keys that are known by their SHA-256 alone: one for reading may read everything, one for writing may do everything. It makes none. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Access, Authenticator } from '../cluster/access.ts'

/** SHA-256 of each. */
export interface Keys {
  readonly read: readonly Buffer[]
  readonly write: readonly Buffer[]
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

const WANTED = 'This is none of the keys that Ringcheck was given.'

/** What a line begins with; `sha256sum` writes it so, and a note may follow. */
const LINE = /^([0-9a-f]{64})(?:\s|$)/

/**
 * Reads the files `read` and `write` of a folder, as a Secret is mounted: a hash in hexadecimal digits on each line. One of the
 * two may be absent. Throws an Error that names file and line, and shows nothing of it.
 */
export async function readKeys(folder: string): Promise<Keys> {
  const [read, write] = await Promise.all([hashesIn(join(folder, 'read')), hashesIn(join(folder, 'write'))])
  if (read.length + write.length === 0) throw new Error(`${folder}: there is no key in the files read and write`)
  return { read, write }
}

async function hashesIn(path: string): Promise<Buffer[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    const [, hash] = LINE.exec(line) ?? []
    if (hash === undefined) throw new Error(`${path}:${index + 1}: must begin with a SHA-256 in 64 hexadecimal digits`)
    return [Buffer.from(hash, 'hex')]
  })
}

/** @param current the keys in force now; asked for each request, so that a key that is taken back is refused at once */
export function keyAuthenticator(current: () => Promise<Keys>): Authenticator {
  return async (token) => {
    const keys = await current().catch((error: unknown) => String(error))
    if (typeof keys === 'string') return { kind: 'Undecided', reason: keys }
    const given = sha256(token)
    const mayWrite = holds(keys.write, given)
    if (!mayWrite && !holds(keys.read, given)) return { kind: 'Unknown', wanted: WANTED }
    return {
      kind: 'User',
      name: `a key for ${mayWrite ? 'writing' : 'reading'}`,
      authorize: async (access) => ({ kind: mayWrite || isRead(access) ? 'Allowed' : 'Denied' }),
    }
  }
}

/** For one token, which may do everything. */
export function tokenAuthenticator(token: string): Authenticator {
  const keys: Keys = { read: [], write: [sha256(token)] }
  return keyAuthenticator(() => Promise.resolve(keys))
}

const isRead = ({ verb }: Access): boolean => verb === 'get' || verb === 'list'

/** Compares with each, whichever is right, so that the time taken tells nothing. */
function holds(keys: readonly Buffer[], given: Buffer): boolean {
  return keys.filter((key) => timingSafeEqual(key, given)).length > 0
}
