/** From `ice`, `stun` and `turn` of a probe to what a plan says of them, with the accounts of TURN servers from their Secrets. */
import type { SipProbeSpec } from '../../crds/index.ts'
import type { RunPlan } from '../../agent/index.ts'
import { lookUp, type ReadSecret, type Unresolved } from '../registrars/secrets.ts'

type IcePlan = NonNullable<RunPlan['endpoint']['media']['ice']>
type TurnPlan = IcePlan['turn'][number]
type Media = Pick<SipProbeSpec['media'], 'ice' | 'stun' | 'turn'>

/** `InvalidSpec`: a server that cannot be one, by its field. */
export type Refused = Omit<Unresolved, 'reason'> & { reason: Unresolved['reason'] | 'InvalidSpec' }

/** `plan` is that part of the plan's media. */
export type ResolvedIce = { kind: 'Resolved'; plan: { ice?: IcePlan } } | Refused

export async function resolveIce({ ice, stun, turn }: Media, readSecret: ReadSecret): Promise<ResolvedIce> {
  if (ice === 'None') return { kind: 'Resolved', plan: {} }
  const plan: IcePlan = { mode: ice, stun: [], turn: [] }
  for (const [index, text] of stun.entries()) {
    const server = serverOf(text)
    if (!server) return invalid(`stun[${index}]`, text, STUN_FORM)
    plan.stun.push(server)
  }
  for (const [index, each] of turn.entries()) {
    const resolved = await resolveTurn(each, `turn[${index}]`, readSecret)
    if (resolved.kind === 'Unresolved') return resolved
    plan.turn.push(resolved.server)
  }
  return { kind: 'Resolved', plan: { ice: plan } }
}

async function resolveTurn(
  { uri, usernameRef, passwordRef }: Media['turn'][number],
  field: string,
  readSecret: ReadSecret,
): Promise<{ kind: 'Resolved'; server: TurnPlan } | Refused> {
  const server = turnServerOf(uri)
  if (!server) return invalid(`${field}.uri`, uri, TURN_FORM)
  const username = await lookUp(readSecret, usernameRef)
  if (username.kind === 'Unresolved') return username
  const password = await lookUp(readSecret, passwordRef)
  if (password.kind === 'Unresolved') return password
  return { kind: 'Resolved', server: { ...server, username: username.value, password: password.value } }
}

/** How a server is named, for a human. */
export const STUN_FORM = 'host:port'
export const TURN_FORM = 'turn:host[:port][?transport=udp|tcp]'

/** As `turn:` URIs have it (RFC 7065). Undefined: it is none, or its port is above 65535. */
export function turnServerOf(uri: string): Omit<TurnPlan, 'username' | 'password'> | undefined {
  const [, where = '', transport] = /^turn:([^?]*)(?:\?transport=(udp|tcp))?$/.exec(uri) ?? []
  const server = serverOf(/:\d+$/.test(where) ? where : `${where}:${TURN_PORT}`)
  return server && { ...server, transport: transport === 'tcp' ? 'tcp' : 'udp' }
}

/** RFC 7065 3.2. */
const TURN_PORT = 3478

/** An address of IPv6 in brackets. Undefined: it is none, or its port is above 65535. */
export function serverOf(text: string): { host: string; port: number } | undefined {
  const [, address, name, port = ''] = /^(?:\[([\da-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/i.exec(text) ?? []
  const host = address ?? name
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined
  return { host, port: Number(port) }
}

function invalid(field: string, found: string, form: string): Refused {
  return {
    kind: 'Unresolved',
    reason: 'InvalidSpec',
    message: `spec.media.${field}: is ${found}, must be ${form} with a port from 1 to 65535.`,
  }
}
