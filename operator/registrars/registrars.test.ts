import { mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { certificateAuthority } from '../../test/lab/certificates.ts'
import { openLocalCluster } from '../cluster/local/index.ts'
import { openHistory } from '../history/index.ts'
import { startRegistrars } from './registrars.ts'

const DAY = 86_400_000
const key = { namespace: 'default', name: 'trunk' }

const registrar = `
apiVersion: ringcheck.dev/v1alpha1
kind: SipRegistrar
metadata: { name: trunk }
spec: { domain: sip.example.com, transport: TLS, register: false, tls: { clientCertificateRef: { name: own } } }
`

test('the condition Ready of a registrar follows its certificate', async () => {
  const authority = await certificateAuthority()
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(mkdtempDisposableSync(join(tmpdir(), 'registrars-'))).path
  const declare = async (validTo: number) => {
    const { certificate, key: own } = await authority.issue(['ringcheck'], validTo)
    const data = JSON.stringify({ 'tls.crt': certificate, 'tls.key': own })
    const secret = `---\napiVersion: v1\nkind: Secret\nmetadata: { name: own }\ntype: kubernetes.io/tls\nstringData: ${data}\n`
    writeFileSync(join(folder, 'all.yaml'), registrar + secret)
  }
  writeFileSync(join(folder, 'all.yaml'), registrar)
  const common = { clock: systemClock, random: systemRandom, log: createLog({ name: 'test', level: 'silent' }) }
  const history = stack.use(await openHistory({ ...common, file: ':memory:' }))
  const cluster = stack.use(await openLocalCluster({ ...common, folder, objects: history.objects }))
  stack.use(startRegistrars({ ...common, cluster }))
  const ready = () => cluster.status('SipRegistrar', key)?.conditions?.find(({ type }) => type === 'Ready')
  const becomes = async (status: string, reason: string) => {
    await expect.poll(ready, { timeout: 10_000 }).toMatchObject({ status, reason })
  }

  await becomes('False', 'SecretMissing')
  await declare(Date.now() + 60 * DAY)
  await becomes('True', 'Resolved')
  await declare(Date.now() + 2 * DAY)
  await becomes('True', 'CertificateExpiringSoon')
  expect(ready()?.message).toMatch(/^The certificate of the Secret own expires on \d{4}-\d\d-\d\d\.$/)
  await declare(Date.now() - 3_600_000)
  await becomes('False', 'CertificateExpired')
})
