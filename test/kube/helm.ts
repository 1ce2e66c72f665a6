/** Runs Helm with a home of its own, so that it neither reads nor leaves anything of this machine's user. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryFolder } from '../lab/process.ts'
import { programPath } from './binaries.ts'

/** Path of our chart. */
export const CHART = join(import.meta.dirname, '../../charts/ringcheck')

/** To render it for the oldest Kubernetes that we take; what Helm assumes by itself depends on how it was built. */
export const TEMPLATE = ['template', 'ringcheck', CHART, '--namespace=ringcheck', '--kube-version=1.33']

export interface Helm extends Disposable {
  /** What it prints for these words; throws with all that it said. */
  run(...words: readonly string[]): Promise<string>
}

/** @param kubeconfig path of a file, for the words that need a cluster */
export async function openHelm(kubeconfig?: string): Promise<Helm> {
  const path = await programPath('helm')
  const folder = temporaryFolder('helm')
  const home = folder.path
  const homes = { HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home }
  const env = { ...process.env, ...homes, KUBECONFIG: kubeconfig ?? join(home, 'none') }
  return {
    async run(...words) {
      try {
        return (await promisify(execFile)(path, [...words], { env, maxBuffer: 1 << 26 })).stdout
      } catch (cause) {
        const hasSaid = cause instanceof Error && 'stderr' in cause && 'stdout' in cause
        const said = hasSaid ? [cause.stderr, cause.stdout].join('') : String(cause)
        throw new Error(`helm ${words.join(' ')}: ${said}`, { cause })
      }
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}
