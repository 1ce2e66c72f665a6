/** What a node is called in the places that it shares with the whole machine; there is one on a machine. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const NODE = 'node1'
/** Its pods are the ports of this bridge. That it exists says that a node does. */
export const BRIDGE = 'ringcheck-kube'
/** Of the machine, as pods see it: API server, name server, and whatever a test runs beside the cluster. */
export const HOST_ADDRESS = '10.88.0.1'
export const PODS = '10.88.0.0/16'
/** Everything that a node starts is below it, so that each process is found again. */
export const CGROUP = 'ringcheck-kube'

/** Paths in a hierarchy of cgroups (version 1), or in all of them: `*`. */
export function cgroups(hierarchy: string, path: string): string {
  return join('/sys/fs/cgroup', hierarchy, CGROUP, path)
}

/** Folder of the node that there is. */
export function folderOfNode(): string | undefined {
  const alias = `/sys/class/net/${BRIDGE}/ifalias`
  return existsSync(alias) ? readFileSync(alias, 'utf8').trim() : undefined
}

/** Settings of the kernel that pods need, or that kubelet changes by itself. */
const SETTINGS = [
  ...['net/ipv4/ip_forward', 'net/bridge/bridge-nf-call-iptables', 'vm/overcommit_memory', 'vm/panic_on_oom'],
  ...['kernel/panic', 'kernel/panic_on_oops', 'kernel/keys/root_maxkeys', 'kernel/keys/root_maxbytes'],
].map((name) => `/proc/sys/${name}`)

const settingsOf = (folder: string) => join(folder, 'settings.json')

export function saveSettings(folder: string): void {
  const values = SETTINGS.filter((file) => existsSync(file)).map((file) => [file, readFileSync(file, 'utf8')])
  writeFileSync(settingsOf(folder), JSON.stringify(Object.fromEntries(values)))
}

/** Value by path, as they were before the node. */
export function savedSettings(folder: string): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(settingsOf(folder), 'utf8')) as Record<string, string>
}
