/** Says once, before any lab test, which peers this machine lacks; it installs nothing (`make lab` does). */
import { accessSync, constants, globSync, readFileSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

interface Requirement {
  /** A command, or the pattern of a path for packages that bring none. */
  readonly needed: string
  /** Name of the Debian package. */
  readonly package: string
}

/** Daemons are in sbin, which is not on every user's PATH. */
const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'].filter(
  (folder) => folder !== '',
)

/** Full path of a command of the lab, which may be one already; throws with the name of what is missing. */
export function commandPath(command: string): string {
  const path = find(command)
  if (path === undefined) throw new Error(`${command} is not installed: run "make lab"`)
  return path
}

function find(command: string): string | undefined {
  const paths = isAbsolute(command) ? [command] : FOLDERS.map((folder) => join(folder, command))
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function isThere(needed: string): boolean {
  return needed.startsWith('/') ? globSync(needed).length > 0 : find(needed) !== undefined
}

function requirements(): Requirement[] {
  return readFileSync(join(import.meta.dirname, 'packages.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [needed = '', name = ''] = line.split(' ')
      return { needed, package: name }
    })
}

/** Vitest's global setup of the project `lab`. */
export default function setup(): void {
  const missing = requirements().filter(({ needed }) => !isThere(needed))
  if (missing.length === 0) return
  const names = missing.map((requirement) => requirement.package).join(' ')
  throw new Error(`The lab needs Debian packages that are not installed: ${names}. Run "make lab" as root.`)
}
