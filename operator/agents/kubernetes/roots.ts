/** When an authority is followed by another, and a certificate by a new one. Pure decisions over dates. */
import { X509Certificate } from 'node:crypto'

const DAY = 86_400_000

/** How long an authority is valid, milliseconds. */
export const ROOT_LIFE = 3 * 365 * DAY
/** How long what it issues is valid. */
export const LEAF_LIFE = 90 * DAY
/**
 * How long a new authority is trusted before it issues anything. Whoever has a certificate that is still valid then has learnt of it:
 * with each certificate come the authorities of its day, also to agents outside of the cluster.
 */
const KNOWN_AFTER = LEAF_LIFE

/** Milliseconds since 1970. */
export interface Validity {
  from: number
  to: number
}

/** @param certificate PEM; of several the first. Throws when it is none */
export function validityOf(certificate: string): Validity {
  const { validFromDate, validToDate } = new X509Certificate(certificate)
  return { from: validFromDate.getTime(), to: validToDate.getTime() }
}

export interface RootsDecision {
  /** Which are still trusted, by their index. */
  trusted: readonly number[]
  /** Which one issues; undefined: there is none yet. */
  issuer: number | undefined
  /** It is time for the next one. */
  isDue: boolean
}

/** @param roots the oldest first */
export function decideRoots(roots: readonly Validity[], now: number): RootsDecision {
  const trusted = [...roots.keys()].filter((index) => now < (roots[index]?.to ?? 0))
  const known = trusted.findLast((index) => now >= (roots[index]?.from ?? 0) + KNOWN_AFTER)
  const newest = roots.at(-1)
  return { trusted, issuer: known ?? trusted[0], isDue: !newest || isDue(newest, now) }
}

/** Two thirds of its life are over. */
export const isDue = ({ from, to }: Validity, now: number): boolean => now >= from + ((to - from) * 2) / 3

/** Whether a certificate is to be followed by a new one: it is due, of an authority that issues no more, or none at all. */
export function isOutdated(certificate: string, issuer: string, now: number): boolean {
  try {
    const present = new X509Certificate(certificate)
    return (
      isDue(validityOf(certificate), now) ||
      !present.checkIssued(new X509Certificate(issuer)) ||
      !present.verify(new X509Certificate(issuer).publicKey)
    )
  } catch {
    // Somebody has written something else there.
    return true
  }
}
