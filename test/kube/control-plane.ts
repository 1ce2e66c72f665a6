/** etcd and kube-apiserver as processes of the test: started, restarted, stalled, ended. No controllers run here. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { freePort } from '../lab/ports.ts'
import type { Child } from '../lab/process.ts'
import { start } from '../lab/process.ts'
import { programPath } from './binaries.ts'
import type { Credentials } from './credentials.ts'
import { SERVICES } from './credentials.ts'

export interface ControlPlaneOptions {
  readonly folder: string
  /** Where the API server listens. */
  readonly address: string
  readonly port: number
  readonly credentials: Credentials
  /** Whether every request is written down in `audit.log` of the folder. */
  readonly audit: boolean
  /** More words for kube-apiserver. */
  readonly arguments: readonly string[]
}

export interface ControlPlane extends AsyncDisposable {
  /** Kills the API server, and starts it again after so many seconds; returns when it is ready. */
  restartApiServer(secondsAway: number): Promise<void>
  /** The API server neither answers nor closes connections until this is disposed of. */
  stallApiServer(): Disposable
  /** Forgets all history of etcd. A watch from before is answered 410 Gone, once the API server was restarted and forgot its own. */
  compact(): Promise<void>
}

/** How long either may take to start on a busy machine, milliseconds. */
const PATIENCE = 60_000

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { folder, address, port } = options
  await using parts = new AsyncDisposableStack()
  const etcd = await startEtcd(folder)
  parts.defer(() => etcd.child.kill().then())
  const trusting = parts.adopt(new Agent({ connect: { ca: options.credentials.ca } }), (agent) => agent.destroy())

  const command = await programPath('kube-apiserver')
  const words = [...apiServerArguments(options, etcd.url), ...options.arguments]
  const ready = () => answers(`https://${address}:${port}/readyz`, trusting)
  const launch = () => start({ command, arguments: words, folder, ready, readyWithin: PATIENCE })
  let server: Child = await launch()
  parts.defer(() => server.kill().then())

  const owned = parts.move()
  return {
    async restartApiServer(secondsAway) {
      await server.kill()
      await new Promise((resolve) => setTimeout(resolve, secondsAway * 1000))
      server = await launch()
    },
    stallApiServer() {
      const { pid } = server
      process.kill(pid, 'SIGSTOP')
      return { [Symbol.dispose]: () => void process.kill(pid, 'SIGCONT') }
    },
    async compact() {
      const { header } = await post<{ header: { revision: string } }>(`${etcd.url}/v3/kv/range`, { key: 'AA==' })
      await post(`${etcd.url}/v3/kv/compaction`, { revision: header.revision, physical: true })
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function startEtcd(folder: string): Promise<{ child: Child; url: string }> {
  const url = `http://127.0.0.1:${await freePort()}`
  const peers = `http://127.0.0.1:${await freePort()}`
  const child = await start({
    command: await programPath('etcd'),
    arguments: [
      ...['--name=test', `--data-dir=${join(folder, 'etcd')}`, `--listen-client-urls=${url}`],
      ...[`--advertise-client-urls=${url}`, `--listen-peer-urls=${peers}`, `--initial-advertise-peer-urls=${peers}`],
      // What it keeps is thrown away: it need not survive the machine.
      ...[`--initial-cluster=test=${peers}`, '--unsafe-no-fsync', '--log-level=warn'],
    ],
    folder,
    ready: () => answers(`${url}/readyz`),
    readyWithin: PATIENCE,
  })
  return { child, url }
}

function apiServerArguments(
  { folder, address, port, credentials, audit }: ControlPlaneOptions,
  etcd: string,
): string[] {
  const { files } = credentials
  return [
    ...[
      `--etcd-servers=${etcd}`,
      `--bind-address=${address}`,
      `--advertise-address=${address}`,
      `--secure-port=${port}`,
    ],
    ...[`--service-cluster-ip-range=${SERVICES}`, '--authorization-mode=Node,RBAC', '--allow-privileged=true'],
    ...[`--client-ca-file=${files.ca}`, `--tls-cert-file=${files.serverCertificate}`],
    ...[`--tls-private-key-file=${files.serverKey}`, `--service-account-signing-key-file=${files.tokenKey}`],
    `--service-account-key-file=${files.tokenPublicKey}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    ...(audit ? auditArguments(folder) : []),
  ]
}

function auditArguments(folder: string): string[] {
  const policy = join(folder, 'audit-policy.json')
  const rules = [{ level: 'Metadata', omitStages: ['RequestReceived'] }]
  writeFileSync(policy, JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules }))
  return [`--audit-policy-file=${policy}`, `--audit-log-path=${join(folder, 'audit.log')}`]
}

/** Whether a GET is answered with 200. */
async function answers(url: string, dispatcher?: Agent): Promise<boolean> {
  try {
    const { statusCode, body } = await request(url, dispatcher && { dispatcher })
    await body.dump()
    return statusCode === 200
  } catch {
    return false
  }
}

async function post<Answer>(url: string, body: unknown): Promise<Answer> {
  const answer = await request(url, { method: 'POST', body: JSON.stringify(body) })
  const text = await answer.body.text()
  if (answer.statusCode !== 200) throw new Error(`POST ${url}: ${answer.statusCode} ${text}`)
  return JSON.parse(text) as Answer
}
