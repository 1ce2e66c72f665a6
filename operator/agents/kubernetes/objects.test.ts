import { describe, expect, test } from 'vitest'
import type { Location } from './locations.ts'
import { locations } from './locations.ts'
import { deploymentOf, networkPolicyOf, secretOf, serverNameOf } from './objects.ts'

const group = { namespace: 'voip', location: 'default' }
const operator = { namespace: 'ringcheck', labels: { 'app.kubernetes.io/component': 'operator' } }
const image = { image: 'ringcheck:1' }

function deployment(given: Partial<Record<keyof Location, unknown>> = {}, executions = 1) {
  const location = locations.parse({ default: given }).default
  const made = deploymentOf({ group, location, executions, image, operator })
  const pod = made.spec.template.spec
  const container = pod?.containers[0]
  if (made.kind !== 'Deployment' || !pod || !container) throw new Error('there is no pod')
  return { made, pod, container }
}

describe('the pods of agents', () => {
  test('are what the restricted level of Pod Security asks for, and have no token', () => {
    const { pod, container } = deployment()
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 660,
      securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
    })
    expect(pod.hostNetwork).toBeUndefined()
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(container.resources).toEqual({ requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } })
  })

  test('are one per 50 executions, or as many as were asked for', () => {
    const replicas = (executions: number, given = {}) => deployment(given, executions).made.spec.replicas
    expect([1, 50, 51, 1000].map((executions) => replicas(executions))).toEqual([1, 1, 2, 20])
    expect(replicas(1000, { replicas: 3 })).toBe(3)
  })

  test('have the ports, the address and the place of their location', () => {
    const { pod, container, made } = deployment({
      nodeSelector: { zone: 'edge' },
      tolerations: [{ key: 'voice', operator: 'Exists' }],
      annotations: { 'k8s.v1.cni.cncf.io/networks': 'voice' },
      rtpPorts: '20000-20999',
      sipPorts: '5060-5069',
      sourceAddress: '192.0.2.1',
    })
    expect(container.args).toEqual([
      ...['agent', '--tls', '/etc/ringcheck/tls', '--rtp-ports', '20000-20999'],
      ...['--sip-ports', '5060-5069', '--source-address', '192.0.2.1'],
    ])
    expect(pod.nodeSelector).toEqual({ zone: 'edge' })
    expect(pod.tolerations).toEqual([{ key: 'voice', operator: 'Exists' }])
    expect(made.spec.template.metadata?.annotations).toEqual({ 'k8s.v1.cni.cncf.io/networks': 'voice' })
  })

  test('tell peers the address of their location, or that of the node on which they are', () => {
    const flag = (externalAddress: string) => deployment({ externalAddress }).container.args?.slice(-2)
    expect(flag('192.0.2.9')).toEqual(['--external-address', '192.0.2.9'])
    expect(flag('Node')).toEqual(['--external-address', '$(HOST_IP)'])
    expect(deployment({ externalAddress: 'Node' }).container.env).toEqual([
      { name: 'HOST_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
    ])
    expect(deployment().container.args).not.toContain('--external-address')
    expect(deployment().container.env).toBeUndefined()
  })

  test('of the network of their nodes are never two on one node, also while they are replaced', () => {
    const { pod, made } = deployment({ hostNetwork: true })
    expect(pod).toMatchObject({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' })
    expect(made.spec.strategy?.rollingUpdate).toEqual({ maxSurge: 0, maxUnavailable: 1 })
    expect(deployment().made.spec.strategy?.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 })
  })
})

describe('the network policy', () => {
  interface Rule {
    from?: Array<{ podSelector: { matchLabels: object }; namespaceSelector: { matchLabels: object } }>
    ports: Array<{ protocol: string; port: number; endPort?: number }>
  }
  const { spec } = networkPolicyOf({ group, operator }) as { spec: { ingress: Rule[]; policyTypes: string[] } }

  /** Whether a packet comes in, as a NetworkPolicy says it. */
  const lets = (protocol: string, port: number, who: 'operator' | 'anybody') =>
    spec.ingress.some(
      ({ from, ports }) =>
        (from === undefined || who === 'operator') &&
        ports.some((each) => each.protocol === protocol && port >= each.port && port <= (each.endPort ?? each.port)),
    )

  test('lets SIP, media and the plain port in from everywhere, and the API from the operator alone', () => {
    for (const who of ['operator', 'anybody'] as const) {
      expect([5060, 5061, 9464, 65_535, 1].every((port) => lets('TCP', port, who))).toBe(true)
      expect([5060, 20_000, 8443, 65_535].every((port) => lets('UDP', port, who))).toBe(true)
    }
    expect(lets('TCP', 8443, 'anybody')).toBe(false)
    expect(lets('TCP', 8443, 'operator')).toBe(true)
    expect(spec.ingress[0]?.from).toEqual([
      {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ringcheck' } },
        podSelector: { matchLabels: operator.labels },
      },
    ])
    // What agents send is not touched.
    expect(spec.policyTypes).toEqual(['Ingress'])
  })
})

test('each group has a name of its own in its certificate', () => {
  const names = [group, { ...group, namespace: 'pbx' }, { ...group, location: 'far' }].map(serverNameOf)
  expect(new Set(names).size).toBe(3)
  expect(secretOf(group, { 'tls.key': 'key' })).toMatchObject({
    type: 'kubernetes.io/tls',
    data: { 'tls.key': 'a2V5' },
  })
})

describe('locations', () => {
  test('has default always, as it is given or as it stands', () => {
    expect(Object.keys(locations.parse(undefined))).toEqual(['default'])
    expect(locations.parse({ far: {}, default: { replicas: 2 } }).default.replicas).toBe(2)
  })

  test.each([
    [{ far: { replica: 1 } }, 'far', 'Unrecognized key: "replica"'],
    [{ Far: {} }, 'Far', 'Invalid key in record'],
    [{ far: { rtpPorts: '20999-20000' } }, 'far.rtpPorts', 'must be a range of ports from 1 to 65535'],
    [{ far: { rtpPorts: 'all' } }, 'far.rtpPorts', 'must be FIRST-LAST, such as 20000-20999'],
    [{ far: { sourceAddress: 'eth0' } }, 'far.sourceAddress', 'must be an IP address'],
    [{ far: { externalAddress: 'node' } }, 'far.externalAddress', 'must be an IP address, or Node'],
    [{ far: { agents: [{ url: 'http://agent:8443' }] } }, 'far.agents.0.url', 'must be https://HOST:PORT'],
  ])('%j is refused, with its field and what is allowed', (given, field, message) => {
    const { error } = locations.safeParse(given)
    expect(error?.issues.map(({ path, message: said }) => [path.join('.'), said])).toEqual([[field, message]])
  })
})
