/** Which URLs may be sent to, and how one is named in a log. It resolves no name. */
import { BlockList, isIP } from 'node:net'

export type CheckedTarget = { url: URL } | { refused: string }

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** HTTPS anywhere but to this machine; with `allowLoopback` also HTTP and HTTPS to this machine. The reason never shows the URL. */
export function checkTarget(text: string, { allowLoopback }: { allowLoopback: boolean }): CheckedTarget {
  if (!URL.canParse(text)) return { refused: 'the URL is not valid' }
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return { refused: `${url.protocol} is not https` }
  if (url.username !== '' || url.password !== '') return { refused: 'the URL holds credentials' }
  if (isLoopback(url.hostname)) return allowLoopback ? { url } : { refused: 'the URL points to this machine' }
  return url.protocol === 'https:' ? { url } : { refused: 'http is not encrypted: the URL must be https' }
}

/** Scheme and host: a path or a query may be a secret. */
export function masked(text: string): string {
  if (!URL.canParse(text)) return '(no valid URL)'
  const { protocol, host } = new URL(text)
  return `${protocol}//${host}`
}

/** `URL` has brought every way to write an address into its normal form before. */
function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
  if (host === 'localhost' || host.endsWith('.localhost')) return true
  const version = isIP(host)
  return version !== 0 && loopback.check(host, version === 4 ? 'ipv4' : 'ipv6')
}
