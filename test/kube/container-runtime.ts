/** containerd for a node, in the node's folder; it pulls nothing: images come as archives. */
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { commandPath } from '../lab/requirements.ts'
import type { Launch } from './node.ts'
import { PAUSE_IMAGE, writePauseImage } from './image.ts'

export interface ContainerRuntime {
  /** For kubelet. */
  readonly endpoint: string
  /** Makes the images of an OCI archive known; pods then need `imagePullPolicy: Never`. */
  load(archive: string): Promise<void>
}

export interface RuntimeOptions {
  readonly folder: string
  /** Folder of the CNI configuration. */
  readonly network: string
  readonly launch: Launch
}

export async function startContainerRuntime({ folder, network, launch }: RuntimeOptions): Promise<ContainerRuntime> {
  const home = join(folder, 'containerd')
  mkdirSync(home)
  const socket = join(home, 'containerd.sock')
  const file = join(home, 'config.toml')
  writeFileSync(file, configuration({ home, socket, network }))
  const control = (...words: readonly string[]) =>
    promisify(execFile)(commandPath('ctr'), ['--address', socket, '--namespace', 'k8s.io', ...words])
  const ready = () =>
    control('version').then(
      () => true,
      () => false,
    )
  await launch({ command: commandPath('containerd'), arguments: ['--config', file], ready })
  const load = async (archive: string) => void (await control('images', 'import', archive))
  const pause = join(folder, 'pause.tar')
  writePauseImage(pause)
  await load(pause)
  return { endpoint: `unix://${socket}`, load }
}

interface Places {
  readonly home: string
  readonly socket: string
  readonly network: string
}

function configuration({ home, socket, network }: Places): string {
  const runtime = 'plugins."io.containerd.grpc.v1.cri"'
  const snapshotters = ['btrfs', 'zfs', 'devmapper', 'aufs'].map((name) => `"io.containerd.snapshotter.v1.${name}"`)
  const tracing = ['"io.containerd.internal.v1.tracing"', '"io.containerd.tracing.processor.v1.otlp"']
  return `
version = 2
root = "${home}/root"
state = "${home}/state"
disabled_plugins = [${[...snapshotters, ...tracing].join(', ')}]
[grpc]
  address = "${socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${home}/opt"
[${runtime}]
  sandbox_image = "${PAUSE_IMAGE}"
  # Root of a container may lack CAP_SYS_RESOURCE; runc then ends with "can't get final child's PID from pipe: EOF".
  restrict_oom_score_adj = true
  disable_apparmor = true
  # Else network namespaces are mounted in /run/netns.
  netns_mounts_under_state_dir = true
[${runtime}.containerd]
  snapshotter = "overlayfs"
  default_runtime_name = "runc"
[${runtime}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[${runtime}.containerd.runtimes.runc.options]
  Root = "${home}/runc"
  SystemdCgroup = false
[${runtime}.cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "${network}"
`
}
