/** Patterns of `allowedTargets` and `deniedTargets`: `*`, `?` and `[...]`; not paths, and without escapes. */

/** Whether every `[` is closed and holds something. */
export function isGlob(pattern: string): boolean {
  return /^(\[[^[\]]+\]|[^[\]])+$/.test(pattern)
}
