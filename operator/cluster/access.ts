/** Who asks and what they may do with our kinds, in the words of Kubernetes RBAC. It decides nothing: that does whoever knows tokens or keys. */
import type { Kind } from './cluster.ts'

/** One right that a request needs. */
export interface Access {
  readonly verb: 'get' | 'list' | 'create'
  readonly kind: Kind
  /** What is done to an object and is none itself, with a right of its own, as `pods/eviction` has one. */
  readonly subresource?: 'run' | 'replay'
  /** Absent: in all namespaces. */
  readonly namespace?: string
  /** Absent: any of them. */
  readonly name?: string
}

/** Nobody can say it now; `reason` is for the log. */
export interface Undecided {
  readonly kind: 'Undecided'
  readonly reason: string
}

/** Somebody whose token is right. */
export interface User {
  readonly kind: 'User'
  readonly name: string
  authorize(access: Access): Promise<{ readonly kind: 'Allowed' } | { readonly kind: 'Denied' } | Undecided>
}

/** `wanted`: which tokens would be right, in one sentence. */
export type Authentication = User | { readonly kind: 'Unknown'; readonly wanted: string } | Undecided

/** Says whose token it is. What it cannot find out is a value, never an exception. */
export type Authenticator = (token: string) => Promise<Authentication>
