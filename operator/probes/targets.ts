/** The guard of a real trunk: which targets may be called at all. Pure. */
import { matchesGlob } from 'node:path'
import type { SipRegistrarSpec } from '../../crds/index.ts'

type Policy = NonNullable<SipRegistrarSpec['policy']>

/** Numbers that reach people who must not be called by a machine. Denied unless `allowedTargets` lists them literally. */
const EMERGENCY = new Set(['112', '911', '999', '000', '110', '111', '113', '115', '117', '118', '119', '122', '190'])

/** Undefined: it may be called. Otherwise one sentence that says why not. */
export function refuseTarget(target: string, policy: Policy | undefined): string | undefined {
  const { user, address } = partsOf(target)
  const matches = (pattern: string) => matchesGlob(pattern.includes('@') ? address : user, pattern)
  const allowed = policy?.allowedTargets ?? []
  const denied = policy?.deniedTargets?.find(matches)
  if (denied !== undefined) return `${address} is denied by deniedTargets (${denied}).`
  if (EMERGENCY.has(user.replace(/^\+/, '')) && !allowed.includes(user) && !allowed.includes(address))
    return `${user} is an emergency number; it is called only if allowedTargets lists it.`
  if (allowed.length > 0 && !allowed.some(matches)) return `${address} is not in allowedTargets.`
  return undefined
}

/** `sip:+49123@example.com;user=phone` -> `+49123` and `+49123@example.com`. */
function partsOf(uri: string): { user: string; address: string } {
  const address = uri.replace(/^sips?:/i, '').split(/[;?]/)[0] ?? ''
  const at = address.lastIndexOf('@')
  return { user: at < 0 ? '' : address.slice(0, at), address }
}
