/** The matrix of values that the chart is tested with: each use of it that the guide describes. */

const postgresql = { urlRef: { name: 'ringcheck-postgresql', key: 'url' } }

export const matrix: Readonly<Record<string, object>> = {
  defaults: {},
  'one namespace': { scope: 'Namespaced' },
  'one namespace, all but the rights': {
    scope: 'Namespaced',
    responder: { enabled: true },
    crds: { install: false },
  },
  'one namespace that is watched': { scope: 'Namespaced', monitoring: { serviceMonitor: { enabled: true } } },
  'one namespace with keys': { scope: 'Namespaced', api: { keysSecret: 'keys' } },
  'two replicas with PostgreSQL': { history: { postgresql }, api: { keysSecret: 'keys' } },
  'one replica with PostgreSQL': { replicas: 1, history: { postgresql }, api: { authentication: 'None' } },
  'a volume that is there': {
    history: { volume: { existingClaim: 'history' } },
    crds: { install: false },
    networkPolicy: { enabled: false },
  },
  'pages by an Ingress': {
    pages: {
      ingress: {
        enabled: true,
        className: 'nginx',
        annotations: { 'cert-manager.io/cluster-issuer': 'letsencrypt' },
        hosts: ['status.example.com'],
        tls: [{ secretName: 'status-tls', hosts: ['status.example.com'] }],
      },
    },
  },
  'pages by an HTTPRoute': {
    pages: {
      httpRoute: {
        enabled: true,
        parentRefs: [{ name: 'public', namespace: 'gateways' }],
        hostnames: ['status.example.com'],
      },
    },
  },
  'a mirror of images, a node pool and all that watches': {
    image: { repository: 'images.example.com/ringcheck', digest: `sha256:${'0'.repeat(64)}`, pullSecrets: ['mirror'] },
    serviceAccount: { name: 'prober', annotations: { 'example.com/role': 'prober' } },
    api: { audiences: [] },
    config: { publicUrl: 'https://status.example.com', minInterval: '30s' },
    monitoring: {
      serviceMonitor: { enabled: true, interval: '15s', labels: { release: 'prometheus' } },
      alerts: { enabled: true, labels: { release: 'prometheus' } },
      dashboards: { enabled: true, annotations: { grafana_folder: 'Voice' } },
    },
    networkPolicy: {
      api: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ci' } } }],
      pages: [{ ipBlock: { cidr: '192.0.2.0/24' } }],
      metrics: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
    },
    nodeSelector: { pool: 'voice' },
    tolerations: [{ key: 'voice', operator: 'Exists', effect: 'NoSchedule' }],
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'pool', operator: 'In', values: ['voice'] }] }],
        },
      },
    },
    podAnnotations: { 'example.com/team': 'voice' },
    priorityClassName: 'system-cluster-critical',
    responder: {
      enabled: true,
      accountsRef: { name: 'accounts', key: 'list.csv' },
      calls: [],
      nodeSelector: { pool: 'voice' },
      tolerations: [{ key: 'voice', operator: 'Exists', effect: 'NoSchedule' }],
    },
  },
}

/** Values that are refused, and what Helm says then. */
export const refused: readonly (readonly [words: string, message: string])[] = [
  ['replicas=2', '2 replicas need history.postgresql.urlRef'],
  ['scope=Everywhere', "'/scope': value must be one of 'Cluster', 'Namespaced'"],
  ['api.authentication=Keys', 'api.authentication: Keys needs api.keysSecret'],
  ['api.authentication=Kubernetes,scope=Namespaced', 'api.authentication: Kubernetes needs scope: Cluster'],
  ['api.authentication=Anybody', "'/api/authentication': value must be one of"],
  ['locations.default.replicas=2', "additional properties 'locations' not allowed"],
  ['pages.ingress.enabled=true', "'/pages/ingress/hosts': minItems"],
  ['pages.httpRoute.enabled=true', "'/pages/httpRoute/parentRefs': minItems"],
  ['config.scope=Cluster', "'/config': additional properties 'scope' not allowed"],
  ['config.minIntervall=30s', "'/config': additional properties 'minIntervall' not allowed"],
  ['config.retentionDays.executions=0', "'/config/retentionDays/executions': minimum"],
  ['resources.limits.memory=lots', "'/resources/limits/memory': 'lots' does not match pattern"],
  ['image.digest=latest', "'/image/digest': 'latest' does not match pattern"],
]
