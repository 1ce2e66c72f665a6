/**
 * Takes a node away: processes, mounts, network, cgroups, files. Run as a program it waits until its standard input closes, which the kernel
 * does also when the test that started it is killed. It knows a node by its folder and by `node-names.ts`, not by what a test remembers.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  globSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { commandPath } from '../lab/requirements.ts'
import { until } from '../lab/process.ts'
import { BRIDGE, cgroups, folderOfNode, savedSettings } from './node-names.ts'

/** Starts it for a node that is about to be started; disposing of it takes the node away and returns when nothing is left. */
export function keep(folder: string): AsyncDisposable {
  const keeper = spawn(process.execPath, [import.meta.filename, folder], {
    // Not in our group: what ends us must not end it.
    detached: true,
    stdio: ['pipe', 'inherit', 'inherit'],
  })
  const ended = once(keeper, 'exit')
  return {
    async [Symbol.asyncDispose]() {
      keeper.stdin.end()
      const [code] = await ended
      if (code !== 0) throw new Error(`the node in ${folder} was not taken away, see above`)
    },
  }
}

/** Nothing is asked to end: all that it knows is thrown away. A node that found another one in its place touches nothing of that. */
async function removeNode(folder: string): Promise<void> {
  if (folderOfNode() === folder) {
    await endProcesses()
    for (const mount of mountsBelow(folder).toReversed()) execFileSync(commandPath('umount'), [mount])
    await until(removeCgroups, { what: 'the cgroups are gone' })
    restoreSettings(folder)
    removeStrays(folder)
    removeNetwork()
  }
  rmSync(folder, { recursive: true, force: true })
}

async function endProcesses(): Promise<void> {
  // What is frozen does not die.
  for (const state of globSync(cgroups('freezer', '**/freezer.state'))) writeFileSync(state, 'THAWED')
  await until(
    () => {
      const pids = globSync(cgroups('pids', '**/cgroup.procs')).flatMap((file) => lines(file).map(Number))
      for (const pid of pids) killed(pid)
      return pids.length === 0
    },
    { what: 'the processes of the node have ended' },
  )
}

function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}

function mountsBelow(folder: string): string[] {
  const points = lines('/proc/self/mountinfo').map((line) => line.split(' ')[4] ?? '')
  return points.filter((point) => point.startsWith(`${folder}/`))
}

function removeNetwork(): void {
  const ip = commandPath('ip')
  const tables = execFileSync(commandPath('nft'), ['list', 'tables'], { encoding: 'utf8' })
  for (const [, family = ''] of tables.matchAll(/^table (ip6?) kube-proxy$/gm))
    execFileSync(commandPath('nft'), ['delete', 'table', family, 'kube-proxy'])
  for (const port of readdirSync(`/sys/class/net/${BRIDGE}/brif`)) execFileSync(ip, ['link', 'delete', port])
  execFileSync(ip, ['link', 'delete', BRIDGE])
}

function restoreSettings(folder: string): void {
  for (const [file, value] of Object.entries(savedSettings(folder)))
    if (existsSync(file) && readFileSync(file, 'utf8') !== value) writeFileSync(file, value)
}

/** What containerd, kubelet and CNI plugins keep in places that no option moves. */
function removeStrays(folder: string): void {
  const shims = join(folder, 'containerd/state/io.containerd.runtime.v2.task/k8s.io/*/address')
  for (const address of globSync(shims)) rmSync(readFileSync(address, 'utf8').replace('unix://', ''), { force: true })
  for (const sandbox of globSync(join(folder, 'containerd/root/io.containerd.grpc.v1.cri/sandboxes/*')))
    for (const result of globSync(`/var/lib/cni/results/*-${sandbox.split('/').at(-1)}-*`)) rmSync(result)
  for (const link of globSync('/var/log/containers/*')) if (readlinkSync(link).startsWith(`${folder}/`)) rmSync(link)
  rmSync('/var/lib/kubelet/device-plugins/kubelet.sock', { force: true })
  const shared = ['/var/log/containers', '/var/lib/cni/results', '/var/lib/cni', '/var/lib/kubelet/device-plugins']
  for (const each of [...shared, '/var/lib/kubelet', '/run/containerd/s', '/run/containerd'])
    if (existsSync(each) && readdirSync(each).length === 0) rmdirSync(each)
}

/** From the innermost outwards; a group whose processes have only just ended is busy for a moment. */
function removeCgroups(): boolean {
  const groups = [...globSync(cgroups('*', '**/')), ...globSync(cgroups('*', ''))]
  for (const group of groups.toSorted((left, right) => right.length - left.length)) {
    try {
      rmdirSync(group)
    } catch {
      return false
    }
  }
  return true
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean)
  } catch {
    // A cgroup that has just gone.
    return []
  }
}

if (import.meta.main) {
  const [folder = ''] = process.argv.slice(2)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
  await once(process.stdin.resume(), 'end')
  await removeNode(folder)
}
