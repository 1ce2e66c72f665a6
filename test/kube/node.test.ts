/** What a node of ours does to the machine that it runs on, and that nothing of it stays. */
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { until } from '../lab/process.ts'
import { commandPath } from '../lab/requirements.ts'
import { startCluster } from './cluster.ts'
import { PAUSE_IMAGE } from './image.ts'

/** What a node leaves on a machine, if anything. */
function traces() {
  const lines = (command: string, ...words: readonly string[]) =>
    execFileSync(commandPath(command), words, { encoding: 'utf8' }).split('\n')
  return {
    tables: lines('nft', 'list', 'tables'),
    links: lines('ip', '-oneline', 'link').map((line) => line.split(':')[1]),
    routes: lines('ip', 'route'),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[4]),
    cgroups: globSync('/sys/fs/cgroup/*/ringcheck*'),
    settings: ['net/ipv4/ip_forward', 'vm/overcommit_memory', 'kernel/panic', 'kernel/panic_on_oops'].map((name) =>
      readFileSync(`/proc/sys/${name}`, 'utf8'),
    ),
    folders: ['/var/lib/kubelet', '/var/lib/cni', '/var/log/containers', '/run/containerd', '/run/netns'].filter(
      existsSync,
    ),
    nodes: globSync(join(tmpdir(), 'ringcheck-kube-*/settings.json')),
    processes: globSync('/proc/[0-9]*/stat').filter((file) => OF_NODES.test(textOf(file))),
  }
}

/** Name and state of a process that is one of a node's, and not a zombie, which has ended and waits to be counted. */
const OF_NODES = /\((kubelet|kube-proxy|kube-scheduler|kube-controller|containerd)[^)]*\) [^Z]/

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

const KILLED = join(import.meta.dirname, 'node-killed.fixture.ts')

test('leaves nothing behind, and has no second node beside it', async () => {
  const before = traces()
  {
    await using cluster = await startCluster({ level: 'node' })
    await cluster.kubectl('run', 'asleep', `--image=${PAUSE_IMAGE}`, '--image-pull-policy=Never')
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/asleep', '--timeout=60s')
    await expect(startCluster({ level: 'node' })).rejects.toThrow('a node runs already')
    expect(await cluster.kubectl('get', 'pods', '--output', 'name')).toBe('pod/asleep\n')
  }
  expect(traces()).toEqual(before)
})

test('leaves nothing behind when whoever started it is killed', async () => {
  const before = traces()
  expect(() => execFileSync(process.execPath, [KILLED], { stdio: 'ignore' })).toThrow('Command failed')
  await until(() => traces().nodes.length === 0, { what: 'the node is gone', within: 60_000 })
  expect(traces()).toEqual(before)
})
