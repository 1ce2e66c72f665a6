/** Servers that were asked in vain before the one in use (RFC 3263 4.3), and where 3xx led from, in words for a human. Pure. */
import type { CallResult } from '../api/protocol.ts'
import type { Attempt, Failure } from '../sip/index.ts'
import { bracketed } from '../sip/index.ts'

export type Tried = NonNullable<CallResult['attempts']>[number]

/** More of them make no sentence. */
const MOST_SAID = 3
/** Characters of what a peer or a library said. */
const LONGEST_DETAIL = 150

export function triedOf({ remote: { host, port, transport }, why }: Attempt): Tried {
  return { remote: { host, port, transport }, why: saidOf(why) }
}

/** `It went as it should.` becomes `It went as it should, after 192.0.2.1:5060 UDP said nothing.` */
export function withAttempts(message: string, tried: readonly Tried[]): string {
  if (tried.length === 0) return message
  const each = tried
    .slice(0, MOST_SAID)
    .map(({ remote: { host, port, transport }, why }) => `${bracketed(host)}:${port} ${transport} ${why}`)
  const more = tried.length > MOST_SAID ? [`${tried.length - MOST_SAID} more had no success`] : []
  return `${message.replace(/\.$/, '')}, after ${[...each, ...more].join(', ')}.`
}

function saidOf(why: Failure): string {
  switch (why.kind) {
    case 'NoResponse':
      return 'said nothing'
    case 'NoFinalResponse':
      return `said no more than ${why.code}`
    case 'Rejected':
      return `answered ${why.code} ${short(why.reason)}`.trimEnd()
    case 'AuthenticationFailed':
      return 'refused our credentials'
    case 'DnsFailed':
      return `was not found (${short(why.detail)})`
    case 'ConnectFailed':
      return `could not be connected to (${short(why.detail)})`
    case 'TlsFailed':
      return `could not be trusted (${short(why.detail)})`
    case 'Aborted':
      return 'was given up'
  }
}

const short = (text: string): string => text.slice(0, LONGEST_DETAIL)
