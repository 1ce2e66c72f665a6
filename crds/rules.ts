/** One place for a rule that a plain schema cannot say: the same sentence becomes a check of ours and a CEL rule of the API server. */
import type { z } from 'zod'

export interface Rule<T> {
  /** Field below the schema that the rule is about, dotted (`timeouts.call`); absent: the value itself. */
  readonly path?: string
  /** What must be so, as a sentence without a full stop. Both `ringcheck validate` and the API server print it. */
  readonly message: string
  /** The rule for the API server; absent where only we can tell (a cron expression, a time zone, a glob). */
  readonly cel?: string
  /** Whether `value`, with its defaults applied, obeys the rule. Must not throw. */
  readonly holds: (value: T) => boolean
}

/** Key of the CRD schema that carries CEL rules. */
export const CEL_RULES = 'x-kubernetes-validations'
/** Key, removed from the CRD, that lists the sentences only we can check. */
export const OWN_RULES = 'x-ringcheck-rules'
/** Key, removed from the CRD, that names a schema used in several places, so that tests and documents treat it once. */
export const SHARED = 'x-ringcheck-shared'

export interface CelRule {
  readonly rule: string
  readonly message: string
  readonly fieldPath?: string
}

/** Attaches rules to a schema. Rules run only when the value has the right shape: one fault, one complaint. */
export function ruled<S extends z.ZodType>(schema: S, ...rules: readonly Rule<z.output<S>>[]): S {
  const meta = schema.meta() ?? {}
  const cel = [...listOf<CelRule>(meta[CEL_RULES]), ...rules.flatMap(celRule)]
  const own = [...listOf<string>(meta[OWN_RULES]), ...rules.flatMap((rule) => (rule.cel ? [] : [rule.message]))]
  let checked = schema
  for (const { path, message, holds } of rules) {
    checked = checked.refine(holds, { message, path: path?.split('.') ?? [], when: hasRightShape })
  }
  return checked.meta({
    ...meta,
    ...(cel.length > 0 && { [CEL_RULES]: cel }),
    ...(own.length > 0 && { [OWN_RULES]: own }),
  })
}

/** Rules of parts of the value may be broken, its shape may not. (The API server looks at rules also where a bound or a pattern is broken, and says both.) */
export function hasRightShape({ issues }: { readonly issues: readonly { readonly code: string }[] }): boolean {
  return issues.every(({ code }) => code === 'custom')
}

function celRule({ path, message, cel }: Rule<never>): CelRule[] {
  if (!cel) return []
  return [{ rule: cel, message, ...(path && { fieldPath: `.${path}` }) }]
}

function listOf<T>(value: unknown): readonly T[] {
  return Array.isArray(value) ? value : []
}
