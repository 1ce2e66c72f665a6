/**
 * Puts together the root folder of the container image: Node, the product's own files as they are, and the packages they need in production.
 * The Dockerfile and the tests' images both come from here. A program: `node image/files.ts FOLDER`, on Linux with glibc.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { z } from 'zod'

const ROOT = join(import.meta.dirname, '..')

const PRODUCT = ['agent', 'cli', 'config', 'crds', 'lib', 'operator', 'package.json', 'LICENSE']
/** What only tests and developers use. */
const NOT_OF_PRODUCT = /\.(test|fixture)\.ts$|(^|\/)(fuzz|conformance|testdata)(\/|\.ts$|$)/
/** What no running program reads. */
const NOT_OF_PACKAGES = /\.(map|md|markdown|[cm]?ts|bare)$|^@types\/|^undici-types\//

/** Makes `folder`, which must not exist, the root of an image. */
export function writeImageFiles(folder: string): void {
  writeSystem(folder)
  const app = join(folder, 'app')
  for (const each of PRODUCT)
    copy(join(ROOT, each), join(app, each), (path) => !NOT_OF_PRODUCT.test(relative(ROOT, path)))
  const packages = join(ROOT, 'node_modules')
  for (const each of productionPackages()) {
    const isNeeded = (path: string) =>
      !NOT_OF_PACKAGES.test(relative(packages, path)) && (path === each || basename(path) !== 'node_modules')
    copy(each, join(app, 'node_modules', relative(packages, each)), isNeeded)
  }
}

/** Node with the libraries that it is linked to, and as much of a system as the C library asks for. */
function writeSystem(folder: string): void {
  const node = join(folder, 'usr/local/bin/node')
  copy(process.execPath, node)
  execFileSync('strip', [node])
  chmodSync(node, 0o755)
  for (const [, library = ''] of execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).matchAll(
    /(\/\S+) \(0x/g,
  ))
    copy(realpathSync(library), join(folder, library))
  for (const each of ['etc', 'tmp', 'proc', 'sys', 'dev']) mkdirSync(join(folder, each), { recursive: true })
  chmodSync(join(folder, 'tmp'), 0o1777)
  writeFileSync(join(folder, 'etc/passwd'), 'root:x:0:0::/:/nonexistent\nringcheck:x:65532:65532::/tmp:/nonexistent\n')
  writeFileSync(join(folder, 'etc/group'), 'root:x:0:\nringcheck:x:65532:\n')
  writeFileSync(join(folder, 'etc/nsswitch.conf'), 'hosts: files dns\n')
}

/** Folders of the packages that are installed for production, those inside of others too. What is there for another kind of machine only is not. */
function productionPackages(): string[] {
  const { packages } = lockFile.parse(JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')))
  const needed = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true)
  return needed.map(([path]) => join(ROOT, path)).filter((path) => existsSync(path))
}

const lockFile = z.object({ packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })) })

function copy(from: string, to: string, filter: (path: string) => boolean = () => true): void {
  mkdirSync(dirname(to), { recursive: true })
  cpSync(from, to, { recursive: true, filter })
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2)
  if (folder === undefined) throw new Error('usage: node image/files.ts FOLDER')
  writeImageFiles(folder)
}
