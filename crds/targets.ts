/** The guard of a real trunk: which targets may be called at all. Pure. */
import { matchesGlob } from 'node:path'
import type { SipRegistrarSpec } from './registrar.ts'

type Policy = Pick<NonNullable<SipRegistrarSpec['policy']>, 'allowedTargets' | 'deniedTargets'>

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

/**
 * `sip:+49123@example.com;user=phone` -> `+49123` and `+49123@example.com`. The user as it would be dialled: without password and
 * parameters (RFC 3261 25.1: telephone-subscriber), escapes undone, visual separators (RFC 3966 5.1.1) left out.
 */
function partsOf(uri: string): { user: string; address: string } {
  const rest = uri.replace(/^sips?:/i, '')
  const at = rest.lastIndexOf('@')
  const host = rest.slice(at + 1).split(/[;?]/)[0] ?? ''
  if (at < 0) return { user: '', address: host }
  const [subscriber = ''] = unescaped(rest.slice(0, at)).split(/[;:]/)
  const user = /^[\d+*#().\-\s]+$/.test(subscriber) ? subscriber.replace(/[().\-\s]/g, '') : subscriber
  return { user, address: `${user}@${host}` }
}

/** An escape that is none stays as it is. */
function unescaped(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}
