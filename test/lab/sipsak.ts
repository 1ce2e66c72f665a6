/** sipsak, Debian's SIP Swiss army knife: one run of it, its exit code and what it printed. */
import { execFile } from 'node:child_process'
import { commandPath } from './requirements.ts'

export interface SipsakRun {
  /** 0: it got the answer that it wanted. */
  readonly code: number
  readonly output: string
}

/** Asks `uri` in one of its modes; without `options` it sends an OPTIONS over UDP. Ended after 20 s. */
export function sipsak(uri: string, options: readonly string[] = []): Promise<SipsakRun> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      commandPath('sipsak'),
      [...options, '-s', uri],
      { timeout: 20_000 },
      (_error, stdout, stderr) => {
        if (child.exitCode === null) reject(new Error(`sipsak was ended by ${child.signalCode}: ${stdout}${stderr}`))
        else resolve({ code: child.exitCode, output: `${stdout}${stderr}` })
      },
    )
  })
}
