/** From a group of agents to the Kubernetes objects that it is made of. Pure; it applies and reads nothing. */
import type { V1Container, V1PodSpec } from '@kubernetes/client-node'
import type { KeyedData } from '../../cluster/cluster.ts'
import type { Made } from '../../cluster/workloads.ts'
import type { Group } from '../agents.ts'
import type { Location } from './locations.ts'

/** What all groups have in common. */
export interface AgentImage {
  image: string
  imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never'
  /** Secrets in the namespace of the agents. */
  imagePullSecrets?: readonly string[]
}

/** The pods of the operator: who alone reaches the API of agents. */
export interface OperatorPods {
  namespace: string
  labels: Readonly<Record<string, string>>
}

export interface GroupQuestion {
  group: Group
  location: Location
  /** How many executions can run at once. */
  executions: number
  image: AgentImage
  operator: OperatorPods
}

export const API_PORT = 8443
const ADMIN_PORT = 9464
const LOCATION_LABEL = 'ringcheck.dev/location'
/** What every object of agents carries, and nothing else does. */
export const AGENTS = {
  'app.kubernetes.io/name': 'ringcheck',
  'app.kubernetes.io/component': 'agent',
  'app.kubernetes.io/managed-by': 'ringcheck',
} as const
const EXECUTIONS_PER_AGENT = 50
/** Seconds: the longest probe call, and a little. */
const GRACE = 660
/** `nonroot` of distroless images, and of ours. */
const USER = 65_532
const TLS_FOLDER = '/etc/ringcheck/tls'

/** Of all three objects. */
export const objectName = ({ location }: Group): string => `ringcheck-agent-${location}`

/** The name in the certificate of a group: an agent of one namespace cannot pass for one of another. */
export const serverNameOf = ({ namespace, location }: Group): string =>
  `${location}.${namespace}.agent.ringcheck.internal`

/** Undefined: it is no object of agents. */
export function groupOf(namespace: string, labels: Readonly<Record<string, string>>): Group | undefined {
  const location = labels[LOCATION_LABEL]
  return location === undefined ? undefined : { namespace, location }
}

export function deploymentOf({ group, location, executions, image }: GroupQuestion): Made<'Deployment'> {
  const { hostNetwork, annotations, replicas = Math.max(1, Math.ceil(executions / EXECUTIONS_PER_AGENT)) } = location
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadataOf(group),
    spec: {
      replicas,
      selector: { matchLabels: labelsOf(group) },
      strategy: {
        type: 'RollingUpdate',
        // Two on one node would want the same ports.
        rollingUpdate: hostNetwork ? { maxSurge: 0, maxUnavailable: 1 } : { maxSurge: 1, maxUnavailable: 0 },
      },
      template: {
        metadata: { labels: labelsOf(group), ...(Object.keys(annotations).length > 0 && { annotations }) },
        spec: podOf(group, location, image),
      },
    },
  }
}

function podOf(group: Group, location: Location, { imagePullSecrets = [], ...image }: AgentImage): V1PodSpec {
  const { nodeSelector, tolerations, affinity, hostNetwork } = location
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: GRACE,
    securityContext: {
      runAsNonRoot: true,
      ...{ runAsUser: USER, runAsGroup: USER, fsGroup: USER },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...(hostNetwork && { hostNetwork, dnsPolicy: 'ClusterFirstWithHostNet' }),
    ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
    ...(tolerations.length > 0 && { tolerations: tolerations.map((each) => ({ ...each })) }),
    ...(affinity && { affinity: { ...affinity } }),
    ...(imagePullSecrets.length > 0 && { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: labelsOf(group) },
      },
    ],
    containers: [containerOf(location, image)],
    volumes: [{ name: 'tls', secret: { secretName: objectName(group), defaultMode: 0o440 } }],
  }
}

function containerOf(location: Location, image: Omit<AgentImage, 'imagePullSecrets'>): V1Container {
  const { resources, rtpPorts, sipPorts, sourceAddress, externalAddress } = location
  const ofNode = externalAddress === 'Node'
  const flags = [
    ...['--tls', TLS_FOLDER],
    ...(rtpPorts === undefined ? [] : ['--rtp-ports', rtpPorts]),
    ...(sipPorts === undefined ? [] : ['--sip-ports', sipPorts]),
    ...(sourceAddress === undefined ? [] : ['--source-address', sourceAddress]),
    ...(externalAddress === undefined ? [] : ['--external-address', ofNode ? '$(HOST_IP)' : externalAddress]),
  ]
  return {
    name: 'agent',
    ...image,
    args: ['agent', ...flags],
    ...(ofNode && { env: [{ name: 'HOST_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } }] }),
    ports: [
      { name: 'api', containerPort: API_PORT, protocol: 'TCP' },
      { name: 'admin', containerPort: ADMIN_PORT, protocol: 'TCP' },
    ],
    readinessProbe: { httpGet: { path: '/readyz', port: 'admin' }, periodSeconds: 2 },
    livenessProbe: { httpGet: { path: '/healthz', port: 'admin' }, periodSeconds: 10, failureThreshold: 6 },
    resources,
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [{ name: 'tls', mountPath: TLS_FOLDER, readOnly: true }],
  }
}

/** Everybody may call an agent, and scrape it; its API is for the operator alone. */
export function networkPolicyOf({ group, operator }: Pick<GroupQuestion, 'group' | 'operator'>): Made<'NetworkPolicy'> {
  const operatorPods = {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': operator.namespace } },
    podSelector: { matchLabels: { ...operator.labels } },
  }
  const spec = {
    podSelector: { matchLabels: labelsOf(group) },
    policyTypes: ['Ingress'],
    ingress: [
      { from: [operatorPods], ports: [{ protocol: 'TCP', port: API_PORT }] },
      {
        ports: [
          { protocol: 'UDP', port: 1, endPort: 65_535 },
          { protocol: 'TCP', port: 1, endPort: API_PORT - 1 },
          { protocol: 'TCP', port: API_PORT + 1, endPort: 65_535 },
        ],
      },
    ],
  }
  return { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: metadataOf(group), spec }
}

/** @param data as text */
export function secretOf(group: Group, data: KeyedData): Made<'Secret'> {
  const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')])
  return {
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: metadataOf(group) },
    type: 'kubernetes.io/tls',
    data: Object.fromEntries(encoded),
  }
}

const labelsOf = ({ location }: Group) => ({ ...AGENTS, [LOCATION_LABEL]: location })

const metadataOf = (group: Group) => ({
  namespace: group.namespace,
  name: objectName(group),
  labels: labelsOf(group),
})
