/** The operator's authority on Kubernetes: kept in a Secret, followed by the next one in time, and the certificates of the operator and its agents. */
import { z } from 'zod'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { Credentials } from '../../../agent/api/index.ts'
import type { Key, KeyedData } from '../../cluster/cluster.ts'
import type { Workloads } from '../../cluster/workloads.ts'
import type { Authority, Identity } from '../certificates.ts'
import { authorityOf, createRoot } from '../certificates.ts'
import { LEAF_LIFE, ROOT_LIFE, decideRoots, isOutdated, validityOf } from './roots.ts'

export interface TrustOptions {
  workloads: Pick<Workloads, 'secret' | 'create' | 'apply'>
  /** The Secret of the authority; made when it is not there. Whoever may read it may speak to agents as the operator. */
  secret: Key
  clock: Clock
  log: Log
}

/** Its name, in the namespace of the operator. */
export const AUTHORITY_SECRET = 'ringcheck-agents'

const Roots = z.array(z.strictObject({ key: z.string(), certificate: z.string() })).min(1)
const ROOTS = 'authorities.json'
/** For people, and for machines outside of the cluster. */
const BUNDLE = 'ca.crt'
const SUBJECT = { operator: 'Ringcheck operator', agent: 'Ringcheck agent' }

export class Trust {
  readonly #options: TrustOptions
  readonly #authority: Authority
  /** PEM, all that are trusted. */
  readonly ca: string
  /** With what the operator comes to agents. */
  readonly operator: Credentials

  private constructor(options: TrustOptions, authority: Authority, operator: Credentials) {
    this.#options = options
    this.#authority = authority
    this.ca = operator.ca
    this.operator = operator
  }

  /**
   * As it is now, all that was due renewed; `before`, where nothing was. Throws when the Secret cannot be read or written, or holds
   * something else.
   */
  static async renewed(options: TrustOptions, before?: Trust): Promise<Trust> {
    const { clock } = options
    const roots = await keptRoots(options)
    const { trusted, issuer } = decideRoots(roots.map(validity), clock.now())
    const issuing = roots[issuer ?? 0]
    if (!issuing) throw new Error('there is no authority')
    const ca = trusted.flatMap((index) => roots[index]?.certificate ?? []).join('\n')
    const isCurrent = before?.ca === ca && !isOutdated(before.operator.certificate, issuing.certificate, clock.now())
    if (before && isCurrent) return before
    const authority = await authorityOf(issuing, clock, LEAF_LIFE)
    return new Trust(options, authority, { ca, ...(await authority.issueClient(SUBJECT.operator)) })
  }

  /** What the Secret of a group is to hold; what it holds now, where that is still good. */
  async serverData(serverName: string, present: KeyedData | undefined): Promise<KeyedData> {
    const certificate = present?.['tls.crt'] ?? ''
    const isGood =
      present?.[BUNDLE] === this.ca && !isOutdated(certificate, this.#authority.ca, this.#options.clock.now())
    if (isGood) return present
    const keepsLeaf = !isOutdated(certificate, this.#authority.ca, this.#options.clock.now())
    const key = present?.['tls.key']
    if (keepsLeaf && key !== undefined) return { 'tls.crt': certificate, 'tls.key': key, [BUNDLE]: this.ca }
    return this.enroll([serverName])
  }

  /** A certificate for an agent that serves under these names, as it stands in its folder. */
  async enroll(names: readonly string[]): Promise<KeyedData> {
    const { key, certificate } = await this.#authority.issueServer(SUBJECT.agent, names)
    return { 'tls.crt': certificate, 'tls.key': key, [BUNDLE]: this.ca }
  }
}

const validity = ({ certificate }: Identity) => validityOf(certificate)

/** Those of the Secret, with a new one where it was time for it. */
async function keptRoots(options: TrustOptions): Promise<Identity[]> {
  const { workloads, secret, clock, log } = options
  const kept = await workloads.secret(secret)
  const roots = kept ? rootsIn(kept, secret) : []
  const { trusted, isDue } = decideRoots(roots.map(validity), clock.now())
  if (!isDue) return roots
  const next = [...trusted.flatMap((index) => roots[index] ?? []), await createRoot(clock, ROOT_LIFE)]
  const object = secretOf(secret, next)
  if (kept) await workloads.apply(object)
  // Another replica was first: what it made counts.
  else if (!(await workloads.create(object))) return keptRoots(options)
  log.info({ kept: secret, authorities: next.length }, 'a new authority for agents was made')
  return next
}

function rootsIn(data: KeyedData, { namespace, name }: Key): Identity[] {
  const parsed = Roots.safeParse(parseJson(data[ROOTS] ?? ''))
  if (parsed.success) return parsed.data
  throw new Error(`the Secret ${namespace}/${name} has no authorities in ${ROOTS}: delete it, and a new one is made`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function secretOf(key: Key, roots: readonly Identity[]) {
  const bundle = roots.map(({ certificate }) => certificate).join('\n')
  return {
    ...{ apiVersion: 'v1', kind: 'Secret' as const, type: 'Opaque' },
    metadata: {
      ...key,
      labels: { 'app.kubernetes.io/name': 'ringcheck', 'app.kubernetes.io/managed-by': 'ringcheck' },
    },
    data: {
      [ROOTS]: Buffer.from(JSON.stringify(roots)).toString('base64'),
      [BUNDLE]: Buffer.from(bundle).toString('base64'),
    },
  }
}
