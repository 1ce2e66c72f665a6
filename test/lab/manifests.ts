/** The manifests that tests of the whole product start from, as a user would write them. */

/** What deliveries are signed with. */
export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

export interface ManifestOptions {
  /** Port of the registrar on 127.0.0.1. */
  registrar: number
  /** URL of the receiver. */
  webhook: string
  /** Whether the calling probe registers first. Default: false. */
  register?: boolean
}

/** A probe `trunk` that calls `svc`, a probe `incoming` that waits for a call, and a status page over the first. */
export function manifests({ registrar, webhook, register = false }: ManifestOptions): string {
  return `
apiVersion: ringcheck.dev/v1alpha1
kind: SipRegistrar
metadata: { name: lab }
spec:
  domain: 127.0.0.1
  port: ${registrar}
  register: ${register}
  accounts: [{ username: alice, passwordRef: { name: passwords, key: alice } }]
---
apiVersion: ringcheck.dev/v1alpha1
kind: SipRegistrar
metadata: { name: registered }
spec:
  domain: 127.0.0.1
  port: ${registrar}
  accounts: [{ username: bob, passwordRef: { name: passwords, key: bob } }]
---
apiVersion: v1
kind: Secret
metadata: { name: passwords }
stringData: { alice: pw-alice, bob: pw-bob, webhook: ${SECRET} }
---
apiVersion: ringcheck.dev/v1alpha1
kind: SipProbe
metadata: { name: trunk }
spec:
  registrarRef: { name: lab }
  target: sip:svc@127.0.0.1
  schedule: { interval: 10s }
  callDuration: 2s
  timeouts: { answer: 8s }
  webhooks: [{ name: lab, url: ${webhook}, secretRef: { name: passwords, key: webhook } }]
---
apiVersion: ringcheck.dev/v1alpha1
kind: SipProbe
metadata: { name: incoming }
spec:
  registrarRef: { name: registered }
  mode: Callee
  schedule: { interval: 10m }
  callDuration: 5s
---
apiVersion: ringcheck.dev/v1alpha1
kind: StatusPage
metadata: { name: page }
spec:
  title: The lab
  components: [{ name: Trunk, probeRef: { name: trunk } }]
`
}
