/**
 * The names of a cluster, in the place of CoreDNS: A and SRV of Services and of the pods behind headless ones, asked of the API server at each
 * query. Over UDP alone; it forwards nothing: what is outside of the cluster does not exist. A program: KUBECONFIG ADDRESS.
 */
import { createSocket } from 'node:dgram'
import { ApiException, CoreV1Api, DiscoveryV1Api, KubeConfig } from '@kubernetes/client-node'
import type { Answer, Question } from './dns-message.ts'
import { readQuestion, writeAnswer } from './dns-message.ts'

const DOMAIN = ['svc', 'cluster', 'local']
const NO_SUCH_NAME: Answer = { kind: 'NoSuchName' }

interface Named {
  readonly service: string
  readonly namespace: string
  /** What stands before the Service: a pod's host name. */
  readonly host?: string
  /** Of an SRV name, without underscores. */
  readonly port?: { readonly name: string; readonly protocol: string }
}

/** Reads `SERVICE.NAMESPACE.svc.cluster.local`, `HOST.SERVICE...` and `_PORT._PROTOCOL.SERVICE...`. */
function named(labels: readonly string[]): Named | undefined {
  const [namespace = '', service = '', ...before] = labels.slice(0, -DOMAIN.length).toReversed()
  if (service === '' || labels.slice(-DOMAIN.length).join('.') !== DOMAIN.join('.')) return undefined
  const [first, second] = before
  if (first?.startsWith('_') && second?.startsWith('_') && before.length === 2)
    return { service, namespace, port: { name: second.slice(1), protocol: first.slice(1).toUpperCase() } }
  if (before.length > 1) return undefined
  return { service, namespace, ...(first !== undefined && { host: first }) }
}

interface Place {
  readonly address: string
  readonly host: string
  readonly ports: ReadonlyArray<{ name?: string; protocol?: string; port?: number }>
}

/** Where a name leads: the Service itself, or, when it is headless, its pods that are ready. */
async function places({ service, namespace }: Named): Promise<Place[]> {
  const { spec } = await core.readNamespacedService({ name: service, namespace })
  const domain = [service, namespace, ...DOMAIN].join('.')
  if (spec?.clusterIP !== 'None') return [{ address: spec?.clusterIP ?? '', host: domain, ports: spec?.ports ?? [] }]
  const labelSelector = `kubernetes.io/service-name=${service}`
  const { items } = await discovery.listNamespacedEndpointSlice({ namespace, labelSelector })
  return items.flatMap(({ endpoints, ports }) =>
    (endpoints ?? []).flatMap(({ addresses, hostname, conditions }) => {
      const [address = ''] = addresses
      if (conditions?.ready === false) return []
      return [{ address, host: `${hostname ?? address.replaceAll('.', '-')}.${domain}`, ports: ports ?? [] }]
    }),
  )
}

async function answer({ labels, type }: Question): Promise<Answer> {
  const name = named(labels)
  if (name === undefined) return NO_SUCH_NAME
  const all = await places(name)
  const { host, port } = name
  if (port !== undefined) {
    const servers = all.flatMap((place) =>
      place.ports
        .filter((each) => each.name === port.name && each.protocol === port.protocol)
        .map((each) => ({ port: each.port ?? 0, target: place.host })),
    )
    if (servers.length === 0) return NO_SUCH_NAME
    return type === 'SRV' ? { kind: 'Servers', servers } : { kind: 'Nothing' }
  }
  const here = all.filter((place) => host === undefined || place.host === labels.join('.'))
  if (here.length === 0) return NO_SUCH_NAME
  return type === 'A' ? { kind: 'Addresses', addresses: here.map(({ address }) => address) } : { kind: 'Nothing' }
}

async function safely(question: Question): Promise<Answer> {
  try {
    return await answer(question)
  } catch (error) {
    return error instanceof ApiException && error.code === 404 ? NO_SUCH_NAME : { kind: 'Failure' }
  }
}

const [kubeconfig = '', address] = process.argv.slice(2)
const config = new KubeConfig()
config.loadFromFile(kubeconfig)
const core = config.makeApiClient(CoreV1Api)
const discovery = config.makeApiClient(DiscoveryV1Api)
const socket = createSocket('udp4')
socket.on('message', (query, peer) => {
  const question = readQuestion(query)
  if (question === undefined) return
  void safely(question).then((found) => socket.send(writeAnswer(question, found), peer.port, peer.address))
})
socket.bind(53, address, () => process.stdout.write(`answers on ${address}\n`))
