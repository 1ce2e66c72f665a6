/** A cluster of kind in the place of a node of ours, on a machine with Docker and `kind`; made for a test, and deleted after it. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { commandPath } from '../lab/requirements.ts'

export interface Kind {
  /** Path of a file. */
  readonly kubeconfig: string
  /** Of the machine, as pods see it. */
  readonly hostAddress: string
  load(archive: string): Promise<void>
}

/** What it starts goes with `parts`. */
export async function startKind(parts: AsyncDisposableStack, folder: string): Promise<Kind> {
  const name = `ringcheck-${process.pid}`
  const kubeconfig = join(folder, 'admin.kubeconfig')
  const run = async (command: string, ...words: readonly string[]) =>
    (await promisify(execFile)(commandPath(command), words)).stdout.trim()
  parts.defer(async () => void (await run('kind', 'delete', 'cluster', '--name', name, '--kubeconfig', kubeconfig)))
  await run('kind', 'create', 'cluster', '--name', name, '--kubeconfig', kubeconfig, '--wait', '120s')
  const format = '{{range .IPAM.Config}}{{.Gateway}} {{end}}'
  const gateways = await run('docker', 'network', 'inspect', 'kind', '--format', format)
  return {
    kubeconfig,
    // It has one for IPv6 as well.
    hostAddress: gateways.split(' ').find((address) => address.includes('.')) ?? '',
    load: async (archive) => void (await run('kind', 'load', 'image-archive', archive, '--name', name)),
  }
}
