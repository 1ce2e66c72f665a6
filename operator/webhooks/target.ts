/** Which URLs may be sent to, and how one is named in a log. It resolves no name. */
import { isLoopback } from '../../lib/http.ts'

export type CheckedTarget = { url: URL } | { refused: string }

/** HTTPS anywhere but to this machine; with `allowLoopback` also HTTP and HTTPS to this machine. The reason never shows the URL. */
export function checkTarget(text: string, { allowLoopback }: { allowLoopback: boolean }): CheckedTarget {
  if (!URL.canParse(text)) return { refused: 'the URL is not valid' }
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return { refused: `${url.protocol} is not https` }
  if (url.username !== '' || url.password !== '') return { refused: 'the URL holds credentials' }
  if (isThisMachine(url.hostname)) return allowLoopback ? { url } : { refused: 'the URL points to this machine' }
  return url.protocol === 'https:' ? { url } : { refused: 'http is not encrypted: the URL must be https' }
}

/** Scheme and host: a path or a query may be a secret. */
export function masked(text: string): string {
  if (!URL.canParse(text)) return '(no valid URL)'
  const { protocol, host } = new URL(text)
  return `${protocol}//${host}`
}

/** Any way to reach this machine: `URL` has brought every way to write an address into its normal form before. */
function isThisMachine(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
  return isLoopback(host) || host.endsWith('.localhost') || host === '0.0.0.0' || host === '::'
}
