/** Decisions about offers inside a session, without its state: how long to wait when both sides ask at once, and whether a description is a new one. */
import type { Random } from '../../../lib/random.ts'

/** RFC 3261 14.1, milliseconds in steps of 10: who made the Call-ID waits 2.1 to 4 s, the other one up to 2 s. */
export function glareDelay(ownCallId: boolean, random: Random): number {
  const step = Math.floor(random() * (ownCallId ? 191 : 201))
  return (ownCallId ? 2_100 : 0) + step * 10
}

const ORIGIN = /^o=(\S+ \S+) (\d+) (.*)$/m

/** RFC 3264 8: the same version in the o= line says that nothing was changed. */
export function sameOrigin(one: string, other: string): boolean {
  const [left, right] = [ORIGIN.exec(one), ORIGIN.exec(other)]
  return left !== null && right !== null && left[0].trimEnd() === right[0].trimEnd()
}

/** A description of ours with a version one above the last one's, when it is of the same session and differs (RFC 3264 8). */
export function following(last: string, next: string): string {
  const [before, after] = [ORIGIN.exec(last), ORIGIN.exec(next)]
  if (last === next || !before || !after || before[1] !== after[1]) return next
  const version = BigInt(before[2] ?? 0) + 1n
  if (BigInt(after[2] ?? 0) >= version) return next
  return next.replace(ORIGIN, (_, origin: string, __: string, rest: string) => `o=${origin} ${version} ${rest}`)
}
