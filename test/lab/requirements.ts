/** Says once, before any lab test, which peers this machine lacks; it installs nothing (`make lab` does). */
import { accessSync, constants, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

interface Requirement {
  readonly command: string
  /** Name of the Debian package. */
  readonly package: string
}

/** Daemons are in sbin, which is not on every user's PATH. */
const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'].filter(
  (folder) => folder !== '',
)

/** Full path of a command of the lab; throws with the name of what is missing. */
export function commandPath(command: string): string {
  const path = find(command)
  if (path === undefined) throw new Error(`${command} is not installed: run "make lab"`)
  return path
}

function find(command: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, command)).find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function requirements(): Requirement[] {
  return readFileSync(join(import.meta.dirname, 'packages.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [command = '', name = ''] = line.split(' ')
      return { command, package: name }
    })
}

/** Vitest's global setup of the project `lab`. */
export default function setup(): void {
  const missing = requirements().filter(({ command }) => find(command) === undefined)
  if (missing.length === 0) return
  const names = missing.map((requirement) => requirement.package).join(' ')
  throw new Error(`The lab needs Debian packages that are not installed: ${names}. Run "make lab" as root.`)
}
