/** Where the programs of Kubernetes are, and how those that are missing are built from their sources; it runs none but to ask for a version. */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

interface Program {
  /** Folder of the `go.mod` that says which version. */
  readonly folder: string
  /** Module whose version is that of the program. */
  readonly module: string
  /** Go package of its `main`. */
  readonly package: string
  /** Words that make it print its version. */
  readonly version: readonly string[]
  /** Go variables that hold the version, as in `1.36.2`. Without them the API server calls itself v0.0.0. */
  readonly variables: (version: string) => Readonly<Record<string, string>>
  /** Measured: seconds to build it on two cores with nothing in Go's cache. */
  readonly seconds: number
}

const ROOT = import.meta.dirname
const TOOLS = join(ROOT, 'tools')

function kubernetes(name: string, seconds: number, version: readonly string[] = ['--version']): Program {
  const component = 'k8s.io/component-base/version'
  return {
    folder: ROOT,
    module: 'k8s.io/kubernetes',
    package: `k8s.io/kubernetes/cmd/${name}`,
    version,
    variables: (number) => {
      const [major = '', minor = ''] = number.split('.')
      return {
        [`${component}.gitVersion`]: `v${number}`,
        [`${component}.gitMajor`]: major,
        [`${component}.gitMinor`]: minor,
        [`${component}.gitCommit`]: '',
        'k8s.io/client-go/pkg/version.gitVersion': `v${number}`,
      }
    },
    seconds,
  }
}

const PROGRAMS = {
  'kube-apiserver': kubernetes('kube-apiserver', 230),
  'kube-controller-manager': kubernetes('kube-controller-manager', 70),
  'kube-scheduler': kubernetes('kube-scheduler', 5),
  kubelet: kubernetes('kubelet', 15),
  'kube-proxy': kubernetes('kube-proxy', 5),
  kubectl: kubernetes('kubectl', 20, ['version', '--client']),
  etcd: {
    folder: ROOT,
    module: 'go.etcd.io/etcd/server/v3',
    package: 'go.etcd.io/etcd/server/v3',
    version: ['--version'],
    variables: () => ({}),
    seconds: 10,
  },
  helm: {
    folder: TOOLS,
    module: 'helm.sh/helm/v4',
    package: 'helm.sh/helm/v4/cmd/helm',
    version: ['version'],
    variables: (number) => ({ 'helm.sh/helm/v4/internal/version.version': `v${number}` }),
    seconds: 145,
  },
  kubeconform: {
    folder: TOOLS,
    module: 'github.com/yannh/kubeconform',
    package: 'github.com/yannh/kubeconform/cmd/kubeconform',
    version: ['-v'],
    variables: (number) => ({ 'main.version': `v${number}` }),
    seconds: 25,
  },
} as const satisfies Readonly<Record<string, Program>>

export type ProgramName = keyof typeof PROGRAMS

// Object.keys forgets that the table is closed.
const NAMES = Object.keys(PROGRAMS) as ProgramName[]

/**
 * Path of a program: that of `KUBEBUILDER_ASSETS` whatever its version, else the first on the PATH or in the cache that has the version of
 * `go.mod`. Throws when there is none.
 */
export async function programPath(name: ProgramName): Promise<string> {
  const path = await find(name)
  if (path === undefined)
    throw new Error(`there is no ${name} ${versionOf(PROGRAMS[name])}: run "npm run kube:install"`)
  return path
}

/** Builds what is missing into the cache, and says through `say` what takes how long. Needs Go, and its module proxy. */
export async function installPrograms(say: (line: string) => void): Promise<void> {
  const found = await Promise.all(NAMES.map(async (name) => ({ name, path: await find(name) })))
  const missing = found.filter(({ path }) => path === undefined).map(({ name }) => name)
  if (missing.length === 0) return
  const seconds = missing.reduce((sum, name) => sum + PROGRAMS[name].seconds, 0)
  say(`Building ${missing.join(', ')} into ${cache()}, once; about ${Math.ceil(seconds / 60)} minutes on two cores.`)
  mkdirSync(cache(), { recursive: true })
  for (const name of missing) {
    const started = performance.now()
    await build(name)
    say(`${name} ${versionOf(PROGRAMS[name])} built in ${Math.round((performance.now() - started) / 1000)} s`)
  }
}

async function build(name: ProgramName): Promise<void> {
  const program: Program = PROGRAMS[name]
  const variables = Object.entries(program.variables(versionOf(program))).map(([key, value]) => `-X ${key}=${value}`)
  // Under another name until it is whole: somebody else may look for it meanwhile.
  const unfinished = join(cache(), `${name}.${process.pid}`)
  const flags = ['-trimpath', '-ldflags', ['-s', '-w', ...variables].join(' ')]
  await run('go', ['build', ...flags, '-o', unfinished, program.package], {
    cwd: program.folder,
    env: { ...process.env, CGO_ENABLED: '0' },
  })
  renameSync(unfinished, join(cache(), name))
}

async function find(name: ProgramName): Promise<string | undefined> {
  const assets = process.env['KUBEBUILDER_ASSETS']
  if (assets !== undefined && (await saysVersion(join(assets, name), name, ''))) return join(assets, name)
  const version = versionOf(PROGRAMS[name])
  for (const folder of [cache(), ...(process.env['PATH'] ?? '').split(delimiter)]) {
    if (folder !== '' && (await saysVersion(join(folder, name), name, version))) return join(folder, name)
  }
  return undefined
}

async function saysVersion(path: string, name: ProgramName, version: string): Promise<boolean> {
  try {
    const { stdout } = await run(path, [...PROGRAMS[name].version])
    return stdout.includes(version)
  } catch {
    return false
  }
}

/** Of the program's module in `go.mod`, the one place where it is written; as in `1.36.2`. */
function versionOf({ folder, module }: Program): string {
  const required = new RegExp(`^(?:require)?\\s+${module} v(\\S+)`, 'm')
  const [, version] = required.exec(readFileSync(join(folder, 'go.mod'), 'utf8')) ?? []
  if (version === undefined) throw new Error(`${folder}/go.mod does not require ${module}`)
  return version
}

/** Outside of the repository, so that a fresh clone finds them. */
function cache(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ringcheck', 'kube')
}
