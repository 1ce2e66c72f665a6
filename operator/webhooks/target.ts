/** Which URLs may be sent to, and how one is named in a log. It resolves no name: the addresses behind one are checked when it is connected to. */
import { isIP } from 'node:net'
import { isLoopback } from '../../lib/http.ts'
import type { AddressCheck } from './addresses.ts'

export type CheckedTarget = { url: URL } | { refused: string }

/** HTTPS, and where this machine is allowed also HTTP to it. The reason never shows the URL. */
export function checkTarget(text: string, check: AddressCheck): CheckedTarget {
  if (!URL.canParse(text)) return { refused: 'the URL is not valid' }
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return { refused: `${url.protocol} is not https` }
  if (url.username !== '' || url.password !== '') return { refused: 'the URL holds credentials' }
  const address = addressOf(url.hostname)
  const what = address && check(address)
  if (what !== undefined) return { refused: `the URL points to ${what}` }
  const stays = url.protocol === 'https:' || (address !== undefined && isLoopback(address))
  return stays ? { url } : { refused: 'http is not encrypted: the URL must be https' }
}

/** Scheme and host: a path or a query may be a secret. */
export function masked(text: string): string {
  if (!URL.canParse(text)) return '(no valid URL)'
  const { protocol, host } = new URL(text)
  return `${protocol}//${host}`
}

/** The address that the host is or, for names of this machine (RFC 6761 6.3), stands for: `URL` has brought every way to write one into its normal form before. */
function addressOf(hostname: string): string | undefined {
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
  if (host === 'localhost' || host.endsWith('.localhost')) return '127.0.0.1'
  return isIP(host) === 0 ? undefined : host
}
