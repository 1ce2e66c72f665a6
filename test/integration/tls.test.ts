/** TLS and WebSocket through the whole product: manifests with a private authority and a client certificate, to a real server; and servers found by SRV records. */
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { CallResult } from '../../agent/api/protocol.ts'
import { createMediaEngine } from '../../agent/media/index.ts'
import { eventLoopLag, startRun } from '../../agent/run/index.ts'
import { createNativeEngine } from '../../agent/sip/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { certificateAuthority } from '../lab/certificates.ts'
import { dns } from '../lab/dns.ts'
import { shows } from '../lab/features.ts'
import { kamailio } from '../lab/kamailio.ts'
import { freePort } from '../lab/ports.ts'
import { temporaryFolder } from '../lab/process.ts'
import { checkMetrics } from '../lab/promtool.ts'
import { ringcheck } from '../lab/ringcheck.ts'
import { sippCallee } from '../lab/sipp.ts'
import { planOf } from './plans.ts'

/** JSON is YAML: PEM keeps its lines. */
const secret = (name: string, data: Record<string, string>) => `
apiVersion: v1
kind: Secret
metadata: { name: ${name} }
stringData: ${JSON.stringify(data)}
---`

/** A registrar with an account of its own, and a probe that registers there and calls. */
const probe = (name: string, registrar: string) => `
apiVersion: ringcheck.dev/v1alpha1
kind: SipRegistrar
metadata: { name: ${name} }
spec:
  domain: 127.0.0.1
  accounts: [{ username: ${name}, passwordRef: { name: passwords, key: all } }]
  ${registrar}
---
apiVersion: ringcheck.dev/v1alpha1
kind: SipProbe
metadata: { name: ${name} }
spec:
  registrarRef: { name: ${name} }
  target: sip:svc@127.0.0.1
  schedule: { interval: 10s }
  callDuration: 2s
  thresholds: { packetLoss: { warning: 50, critical: 90 }, certificateDays: { warning: 30, critical: 7 } }
---`

const DAY = 86_400_000

test(
  'probes over TLS and WSS register and call, and the certificate of the server is judged; a server that is not trusted is told as that',
  {
    ...shows({ Kamailio: ['tls', 'wss', 'private-ca', 'client-certificate', 'certificate-expiry'] }),
    timeout: 320_000,
  },
  async () => {
    const [authority, stranger] = [await certificateAuthority(), await certificateAuthority()]
    const validTo = Math.floor((Date.now() + 20 * DAY) / 1000) * 1000
    const identity = await authority.issue(['127.0.0.1'], validTo)
    const own = await authority.issue(['ringcheck.lab.test'])
    using temporary = temporaryFolder('tls')
    const [folder, data] = [join(temporary.path, 'manifests'), join(temporary.path, 'data')]
    mkdirSync(folder)
    mkdirSync(data)
    await using callee = await sippCallee({ scenario: 'callee', rtpEcho: true })
    await using server = await kamailio({
      routes: { svc: callee.target },
      password: 'the-password',
      tls: { identity, clientCa: authority.ca },
    })
    const registrar = (transport: string, ca: string) =>
      [
        `port: ${server.tlsPort}`,
        `transport: ${transport}`,
        `tls: { caRef: { name: ${ca}, key: ca.crt }, clientCertificateRef: { name: own } }`,
      ].join('\n  ')
    writeFileSync(
      join(folder, 'all.yaml'),
      [
        secret('passwords', { all: 'the-password' }),
        secret('authority', { 'ca.crt': authority.ca }),
        secret('stranger', { 'ca.crt': stranger.ca }),
        secret('own', { 'tls.crt': own.certificate, 'tls.key': own.key }),
        probe('over-tls', registrar('TLS', 'authority')),
        probe('over-wss', registrar('WSS', 'authority')),
        probe('untrusted', registrar('TLS', 'stranger')),
      ].join(''),
    )
    await using product = await ringcheck({ folder, data })

    for (const name of ['over-tls', 'over-wss']) {
      const status = await product.becomes(name, 'judged', ({ health }) => health === 'Degraded', 100_000)
      // Everything is well but the certificate, which has less than 30 days.
      expect(status).toMatchObject({
        reason: 'CertificateDays',
        lastExecution: { outcome: 'Success', metrics: { statusCode: 200 } },
      })
      const days = status.lastExecution?.metrics['certificateDays']
      expect(days).toBeGreaterThan(19.9)
      expect(days).toBeLessThanOrEqual(20)
      expect(await product.metrics()).toContain(
        `ringcheck_probe_tls_certificate_expiry_timestamp_seconds{namespace="default",probe="${name}",location="default"} ${validTo / 1000}\n`,
      )
    }
    const refused = await product.becomes('untrusted', 'Unhealthy', ({ health }) => health === 'Unhealthy', 100_000)
    expect(refused).toMatchObject({
      reason: 'Tls',
      message:
        'The REGISTER to sip:127.0.0.1 found no trusted connection: the certificate was issued by an authority that is not trusted.',
    })
    expect(await checkMetrics(await product.metrics())).toEqual([])
  },
)

test(
  'a server that is found by SRV, the first of them dead: the next one is called, and the result says so',
  shows({ Kamailio: ['srv', 'failover-refused', 'used-address', 'private-ca'] }),
  async () => {
    const authority = await certificateAuthority()
    // RFC 5922: a server is certified for the domain that was asked for.
    const identity = await authority.issue(['trunk.lab.test'])
    await using callee = await sippCallee({ scenario: 'callee', rtpEcho: true })
    await using server = await kamailio({ routes: { svc: callee.target }, tls: { identity } })
    const dead = await freePort()
    const name = '_sips._tcp.trunk.lab.test'
    await using names = await dns({
      hosts: { 'one.lab.test': ['127.0.0.1'], 'two.lab.test': ['127.0.0.1'] },
      srv: [
        { name, target: 'one.lab.test', port: dead, priority: 1 },
        { name, target: 'two.lab.test', port: server.tlsPort, priority: 2 },
      ],
    })
    const log = createLog({ name: 'test', level: 'silent' })
    const common = { clock: systemClock, random: systemRandom, log }
    const nameServers = [names.address]
    await using engine = await createNativeEngine({ ...common, host: '127.0.0.1', userAgent: 'test', nameServers })
    await using media = createMediaEngine(common)
    const { port: _, ...located } = planOf(0x7fff).endpoint.registrar
    const registrar = {
      ...located,
      domain: 'trunk.lab.test',
      transport: 'TLS',
      register: true,
      tls: { ca: authority.ca, verify: 'Full' },
    } as const
    const plan = planOf(0x7fff, { endpoint: { registrar, target: 'sip:svc1@trunk.lab.test' } })
    const results: CallResult[] = []
    const emit = (event: Parameters<Parameters<typeof startRun>[1]['emit']>[0]) => {
      if (event.type === 'Call') results.push(event.result)
    }
    await startRun(plan, { ...common, engine, media, lag: eventLoopLag, emit }).finished
    expect(results).toMatchObject([
      {
        outcome: 'Success',
        message: expect.stringMatching(
          `^It went as it should, after 127.0.0.1:${dead} TLS could not be connected to \\(.*ECONNREFUSED.*\\)\\.$`,
        ),
        remote: { host: '127.0.0.1', port: server.tlsPort, transport: 'TLS' },
        attempts: [{ remote: { host: '127.0.0.1', port: dead, transport: 'TLS' } }],
        certificate: { subject: 'CN=trunk.lab.test' },
      },
    ])
  },
)

const MAIN = join(import.meta.dirname, '../../cli/main.ts')

function command(...words: string[]): Promise<{ code: number | null; out: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [MAIN, ...words], { timeout: 60_000 }, (_error, out) =>
      resolve({ code: child.exitCode, out }),
    )
  })
}

test(
  'the command asks a server over TLS, and trusts who it is told to',
  shows({ Kamailio: ['private-ca'] }),
  async () => {
    const authority = await certificateAuthority()
    const identity = await authority.issue(['127.0.0.1'])
    await using server = await kamailio({ tls: { identity } })
    using folder = temporaryFolder('ca')
    const file = join(folder.path, 'ca.pem')
    writeFileSync(file, authority.ca)
    const words = ['call', `sips:127.0.0.1:${server.tlsPort}`, '--check', 'Options']
    const trusted = await command(...words, '--ca', file)
    expect(trusted.out).toMatch(/^Certificate, days left +[01](\.\d+)? days$/m)
    expect(trusted.code).toBe(0)
    const refused = await command(...words)
    expect(refused.out).toContain('Unhealthy: Tls. ')
    expect(refused.code).toBe(1)
  },
)
