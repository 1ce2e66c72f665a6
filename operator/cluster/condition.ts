/** One condition as the Kubernetes API conventions ask: its transition time stays while its status does. Pure. */
import type { Condition } from '../../crds/index.ts'

export interface ConditionContext {
  /** The conditions written last. */
  before: readonly Condition[] | undefined
  /** Of the spec that was looked at. */
  generation: number
  /** Milliseconds since 1970. */
  now: number
}

export function condition(
  next: Pick<Condition, 'type' | 'status' | 'reason' | 'message'>,
  { before, generation, now }: ConditionContext,
): Condition {
  const old = before?.find(({ type }) => type === next.type)
  return {
    ...next,
    observedGeneration: generation,
    lastTransitionTime: old?.status === next.status ? old.lastTransitionTime : new Date(now).toISOString(),
  }
}
