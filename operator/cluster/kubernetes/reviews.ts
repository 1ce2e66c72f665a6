/** Whose token it is and what they may do, as the API server says: TokenReview and SubjectAccessReview. What cannot be asked is undecided, never allowed. */
import { createHash } from 'node:crypto'
import { AuthenticationV1Api, AuthorizationV1Api } from '@kubernetes/client-node'
import type { V1UserInfo } from '@kubernetes/client-node'
import { GROUP, kinds } from '../../../crds/index.ts'
import type { Clock } from '../../../lib/clock.ts'
import { TokenBucket } from '../../../lib/token-bucket.ts'
import type { Access, Authentication, Authenticator, Undecided, User } from '../access.ts'
import type { KubeClient } from './client.ts'
import { explain } from './client.ts'
import { SharedAnswers } from './shared-answers.ts'

export interface ReviewsOptions {
  client: KubeClient
  /** A token must be for one of them. Empty: for the API server itself. */
  audiences: readonly string[]
  clock: Clock
}

export interface Reviews extends Disposable {
  readonly authenticate: Authenticator
}

/** What was taken back is refused after so long, milliseconds. */
const KEPT_FOR = 10_000
/** Of each kind of answers. */
const MOST_KEPT = 1000
/** What the API server is asked for us, whoever sends us what. */
const ASKED = { perSecond: 50, burst: 200 }

export function openReviews({ client, audiences, clock }: ReviewsOptions): Reviews {
  const tokens = new AuthenticationV1Api(client.configuration)
  const rights = new AuthorizationV1Api(client.configuration)
  const bucket = new TokenBucket(clock, ASKED)
  const shared = { clock, keptFor: KEPT_FOR, most: MOST_KEPT }
  const users = new SharedAnswers<V1UserInfo | undefined>(shared)
  const decisions = new SharedAnswers<boolean>(shared)
  const ask = <Answer>(question: () => Promise<Answer>): Promise<Answer> =>
    bucket.take() > 0 ? Promise.reject(new Error('the API server is asked too often')) : question()

  /** Undefined: nobody's. */
  async function reviewToken(token: string): Promise<V1UserInfo | undefined> {
    const { status } = await tokens.createTokenReview({ body: { spec: { token, audiences: [...audiences] } } })
    if (status?.authenticated !== true) return undefined
    // An API server that does not know of audiences would take a token for any of them.
    const isForUs = audiences.length === 0 || audiences.some((each) => status.audiences?.includes(each))
    return isForUs ? status.user : undefined
  }

  async function reviewAccess({ username = '', ...more }: V1UserInfo, access: Access): Promise<boolean> {
    const { verb, kind, subresource, namespace, name } = access
    const resourceAttributes = {
      ...{ group: GROUP, resource: kinds[kind].plural, verb },
      ...(subresource !== undefined && { subresource }),
      ...(namespace !== undefined && { namespace }),
      ...(name !== undefined && { name }),
    }
    const spec = { ...more, user: username, resourceAttributes }
    const { status } = await rights.createSubjectAccessReview({ body: { spec } })
    return status?.allowed === true
  }

  const userOf = (hash: string, info: V1UserInfo): User => ({
    kind: 'User',
    name: info.username ?? '',
    authorize(access) {
      const asked = decisions.of(`${hash} ${JSON.stringify(access)}`, () => ask(() => reviewAccess(info, access)))
      return asked.then((isAllowed) => ({ kind: isAllowed ? ('Allowed' as const) : ('Denied' as const) }), undecided)
    },
  })

  return {
    async authenticate(token): Promise<Authentication> {
      const hash = createHash('sha256').update(token).digest('hex')
      const asked = users.of(hash, () => ask(() => reviewToken(token)))
      return asked.then(
        (info) => (info ? userOf(hash, info) : { kind: 'Unknown', wanted: wanted(audiences) }),
        undecided,
      )
    },
    [Symbol.dispose]() {
      users[Symbol.dispose]()
      decisions[Symbol.dispose]()
    },
  }
}

const undecided = (error: unknown): Undecided => ({ kind: 'Undecided', reason: explain(error) })

function wanted([audience]: readonly string[]): string {
  const how = `kubectl create token NAME${audience === undefined ? '' : ` --audience=${audience}`}`
  return `This is no valid token of this cluster for Ringcheck: a ServiceAccount gets one by ${how}.`
}
