/** Who is who in a cluster of ours: certificates and keys as files, and a kubeconfig for each client. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { certificateAuthority } from '../lab/certificates.ts'

/** Where the API server is reached from inside of the cluster: the first address of `SERVICES`. */
const API_SERVICE = '10.96.0.1'
/** Addresses of Services. */
export const SERVICES = '10.96.0.0/16'

export interface Credentials {
  /** PEM. */
  readonly ca: string
  readonly files: {
    readonly ca: string
    readonly serverCertificate: string
    readonly serverKey: string
    /** With which the API server asks kubelet. */
    readonly kubeletClientCertificate: string
    readonly kubeletClientKey: string
    /** With the first ServiceAccount tokens are signed, with the second they are checked. */
    readonly tokenKey: string
    readonly tokenPublicKey: string
  }
  /** Makes a client certificate; returns the path of a kubeconfig with it. */
  client(user: string, group?: string): Promise<string>
}

export interface CredentialsOptions {
  folder: string
  /** Of the API server. */
  address: string
  port: number
}

export async function createCredentials({ folder, address, port }: CredentialsOptions): Promise<Credentials> {
  const pki = join(folder, 'pki')
  mkdirSync(pki, { recursive: true, mode: 0o700 })
  const write = (name: string, text: string) => {
    const path = join(pki, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  const authority = await certificateAuthority()
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local']
  const server = await authority.issue(['localhost', ...service, '127.0.0.1', address, API_SERVICE])
  const kubeletClient = await authority.issueClient('kube-apiserver-kubelet-client', 'system:masters')
  const tokens = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })

  /** JSON is YAML. */
  const kubeconfig = (name: string, user: Readonly<Record<string, string>>) => {
    const cluster = { server: `https://${address}:${port}`, 'certificate-authority-data': base64(authority.ca) }
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster }],
      users: [{ name, user }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: name } }],
      'current-context': 'test',
    }
    return write(`${name.replaceAll(':', '-')}.kubeconfig`, JSON.stringify(config, null, 2))
  }

  return {
    ca: authority.ca,
    files: {
      ca: write('ca.crt', authority.ca),
      serverCertificate: write('server.crt', server.certificate),
      serverKey: write('server.key', server.key),
      kubeletClientCertificate: write('kubelet-client.crt', kubeletClient.certificate),
      kubeletClientKey: write('kubelet-client.key', kubeletClient.key),
      tokenKey: write('tokens.key', tokens.privateKey),
      tokenPublicKey: write('tokens.pub', tokens.publicKey),
    },
    async client(user, group) {
      const { certificate, key } = await authority.issueClient(user, group)
      return kubeconfig(user, { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) })
    },
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
