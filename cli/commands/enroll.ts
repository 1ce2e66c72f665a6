/** `ringcheck agent enroll`: the certificate of an agent outside of the cluster, issued by the authority that the operator keeps there. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { AUTHORITY_SECRET, Trust } from '../../operator/agents/kubernetes/index.ts'
import { loadKubeConfig, openKubeClient, openMade } from '../../operator/cluster/kubernetes/index.ts'
import type { Terminal, Words } from '../command.ts'
import { UsageError } from '../command.ts'

/** Milliseconds. */
const TIMEOUT = 10_000

/** Writes tls.key, tls.crt and ca.crt. Who may do it is who may read the Secret of the authority. */
export async function enroll(names: readonly string[], words: Words, terminal: Terminal): Promise<number> {
  if (names.length === 0) throw new UsageError('enroll needs a name under which the agent is reached')
  const config = loadKubeConfig(words.text('kubeconfig'))
  await using client = await openKubeClient({ config, connections: 1, timeout: TIMEOUT })
  const trust = await Trust.renewed({
    workloads: openMade(client),
    secret: { namespace: words.text('namespace') ?? '', name: AUTHORITY_SECRET },
    clock: systemClock,
    log: createLog({ name: 'enroll', level: 'warn', pretty: terminal.interactive }),
  })
  const folder = words.text('out') ?? '.'
  await mkdir(folder, { recursive: true })
  for (const [name, text] of Object.entries(await trust.enroll(names)))
    await writeFile(join(folder, name), text, { mode: name.endsWith('.key') ? 0o600 : 0o644 })
  terminal.err(`${folder}: tls.key, tls.crt and ca.crt for ${names.join(', ')}, valid for 90 days\n`)
  return 0
}
