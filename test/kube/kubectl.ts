/** Runs kubectl and reads what it prints; knows a cluster by its kubeconfig alone. */
import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { programPath } from './binaries.ts'

export interface Kubectl {
  /** What it prints for these words; throws with what it says on standard error. */
  (...words: readonly string[]): Promise<string>
  /** The same with `input` as its standard input, for words like `apply -f -`. */
  with(input: string, ...words: readonly string[]): Promise<string>
}

/** `kubeconfig` is the path of a file; what kubectl keeps of a cluster is written beside it. */
export async function kubectlOf(kubeconfig: string): Promise<Kubectl> {
  const path = await programPath('kubectl')
  const environment = { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: join(dirname(kubeconfig), 'kubectl') }
  const run = async (input: string, words: readonly string[]): Promise<string> => {
    const running = promisify(execFile)(path, [...words], { env: environment, maxBuffer: 1 << 28 })
    running.child.stdin?.end(input)
    try {
      return (await running).stdout
    } catch (cause) {
      const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : String(cause)
      throw new Error(`kubectl ${words.join(' ')}: ${said.trim()}`, { cause })
    }
  }
  return Object.assign((...words: readonly string[]) => run('', words), {
    with: (input: string, ...words: readonly string[]) => run(input, words),
  })
}
