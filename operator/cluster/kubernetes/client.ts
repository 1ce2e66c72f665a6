/** The way to the API server: one pool of connections, a time limit on every request, and what its errors mean. It knows no kind. */
import {
  ApiException,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  EventsV1Api,
  KubeConfig,
  ResponseContext,
  SelfDecodingBody,
  ServerConfiguration,
  Watch,
  createConfiguration,
  wrapHttpLibrary,
} from '@kubernetes/client-node'
import type { Configuration, RequestContext } from '@kubernetes/client-node'
import type { RequestOptions } from 'node:https'
import { Agent, request } from 'undici'

export interface KubeClientOptions {
  config: KubeConfig
  /** Requests at once; more wait for their turn. */
  connections: number
  /** Milliseconds from the request to its whole answer: a stopped API server would keep it for ever. */
  timeout: number
}

export interface KubeClient extends AsyncDisposable {
  readonly core: CoreV1Api
  readonly objects: CustomObjectsApi
  readonly leases: CoordinationV1Api
  readonly events: EventsV1Api
  readonly watch: Watch
  /** For the APIs of further groups, over the same pool. */
  readonly configuration: Configuration
}

/**
 * In a pod its ServiceAccount, elsewhere what kubectl would take: `KUBECONFIG` or ~/.kube/config.
 * @param file a kubeconfig file instead of these
 */
export function loadKubeConfig(file?: string): KubeConfig {
  const config = new KubeConfig()
  if (file === undefined) config.loadFromDefault()
  else config.loadFromFile(file)
  return config
}

/** Throws when the configuration names no cluster. Disposing closes its connections. */
export async function openKubeClient({ config, connections, timeout }: KubeClientOptions): Promise<KubeClient> {
  const cluster = config.getCurrentCluster()
  if (!cluster)
    throw new Error('no Kubernetes cluster is configured: there is neither a kubeconfig nor a ServiceAccount')
  const tls: RequestOptions = {}
  await config.applyToHTTPSOptions(tls)
  const { ca, cert, key, servername, rejectUnauthorized } = tls
  const given = Object.entries({ ca, cert, key, servername, rejectUnauthorized }).filter(
    ([, value]) => value !== undefined,
  )
  const pool = new Agent({ connections, connect: Object.fromEntries(given) })
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(cluster.server, {}),
    authMethods: { default: config },
    // The library's own makes a connection for every request, and has no time limit.
    httpApi: wrapHttpLibrary({ send: (request) => send(request, pool, timeout) }),
  })
  return {
    core: new CoreV1Api(configuration),
    objects: new CustomObjectsApi(configuration),
    leases: new CoordinationV1Api(configuration),
    events: new EventsV1Api(configuration),
    watch: new Watch(config),
    configuration,
    [Symbol.asyncDispose]: () => pool.destroy(),
  }
}

async function send(context: RequestContext, pool: Agent, timeout: number): Promise<ResponseContext> {
  const content = context.getBody()
  const { statusCode, headers, body } = await request(context.getUrl(), {
    dispatcher: pool,
    method: context.getHttpMethod(),
    headers: context.getHeaders(),
    ...(typeof content === 'string' && { body: content }),
    signal: AbortSignal.timeout(timeout),
  })
  const texts = Object.entries(headers).map(([name, value]) => [name, String(value)] as const)
  const whole = body.arrayBuffer().then((bytes) => Buffer.from(bytes))
  return new ResponseContext(statusCode, Object.fromEntries(texts), new SelfDecodingBody(whole))
}

/** The HTTP status of an answer; undefined: there was no answer. */
export function codeOf(error: unknown): number | undefined {
  if (error instanceof ApiException) return error.code
  // Those of a watch carry it under another name.
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : undefined
}

/** In one sentence, with what the API server said, or why it could not be asked. */
export function explain(error: unknown): string {
  if (error instanceof ApiException) return `the API server answered ${error.code}: ${messageIn(error.body)}`
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  return cause instanceof Error && cause.message !== '' ? `${error.message} (${cause.message})` : error.message
}

function messageIn(body: unknown): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  try {
    const status: unknown = JSON.parse(text)
    if (typeof status === 'object' && status !== null && 'message' in status) return String(status.message)
  } catch {
    // Not every proxy answers in JSON.
  }
  return text.slice(0, 300)
}
