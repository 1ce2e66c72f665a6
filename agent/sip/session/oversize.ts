/** Requests that are too large for UDP (RFC 3261 18.1.1): which they are, and their way over TCP. They are built and sent elsewhere. */
import type { Core } from '../core.ts'
import type { Built } from '../transport/build.ts'
import { parseMessage } from '../message/message.ts'
import type { Flow } from '../transport/flow.ts'

/** Bytes, where the MTU of the path is not known. */
const MOST_OVER_UDP = 1_300

/** Milliseconds that TCP may take. A firewall that swallows it must not swallow the call. */
const PATIENCE = 4_000

export interface Detour {
  flow: Flow
  built: Built
}

/** Undefined: it goes as it is. Else the same request over TCP to the same address, or over UDP all the same when nobody takes it there. */
export function detour(core: Core, flow: Flow, built: Built): Promise<Detour> | undefined {
  if (flow.transport !== 'UDP' || built.text.length * 3 <= MOST_OVER_UDP) return undefined
  return Buffer.byteLength(built.text) <= MOST_OVER_UDP ? undefined : overTcp(core, flow, built)
}

async function overTcp({ ways, wheel }: Core, flow: Flow, built: Built): Promise<Detour> {
  const late = Promise.withResolvers<undefined>()
  const timer = wheel.start(PATIENCE, () => late.resolve(undefined))
  const { host, port } = flow.remote
  const opened = await Promise.race([late.promise, ways.open({ host, port, transport: 'TCP' })])
  timer.cancel()
  return (opened?.kind === 'Open' ? carriedBy(opened.flow, flow, built) : undefined) ?? { flow, built }
}

/** All but the Via stays: we listen at our Contact whatever the size of this request was. */
function carriedBy(flow: Flow, before: Flow, { text, branch }: Built): Detour | undefined {
  const via = `Via: SIP/2.0/UDP ${before.sentBy};branch=${branch}`
  const changed = text.replace(via, () => `Via: SIP/2.0/TCP ${flow.sentBy};branch=${branch}`)
  const parsed = parseMessage(Buffer.from(changed))
  if (parsed.kind === 'Malformed' || parsed.message.kind !== 'Request') return undefined
  return { flow, built: { request: parsed.message, branch, text: changed } }
}
