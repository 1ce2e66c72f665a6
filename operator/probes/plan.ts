/** From a probe, its registrar and a slot to the plan an agent carries out, or to a named reason why there is none. */
import { effectiveThresholds, milliseconds } from '../../crds/index.ts'
import type { SipProbeSpec, UnknownReason } from '../../crds/index.ts'
import { refuseTarget } from '../../crds/targets.ts'
import { PROTOCOL } from '../../agent/index.ts'
import type { RunPlan } from '../../agent/index.ts'
import type { Cluster, Stored } from '../cluster/cluster.ts'
import type { Account } from '../registrars/resolve.ts'
import { resolveRegistrar } from '../registrars/resolve.ts'
import type { TlsSettings } from '../registrars/certificates.ts'
import { type Refused, resolveIce } from './ice-plan.ts'
import { maySecure, registrarPlan } from './registrar-plan.ts'
import { executionId } from './schedule.ts'
import { type PlannedSource, resolveSource } from './source.ts'
import { unsupportedByProbe, unsupportedByRegistrar } from './supported.ts'

/** All that is needed to make plans; holds passwords, so it lives for one round and is never logged. */
export interface Prepared {
  kind: 'Prepared'
  registrar: Stored<'SipRegistrar'>
  /** Absent: an IP-authenticated trunk without accounts. */
  account?: Account
  tls: TlsSettings
  /** Of STUN and TURN. */
  servers: Pick<RunPlan['endpoint']['media'], 'ice'>
  source: PlannedSource
}
export interface NotPrepared {
  kind: 'NotPrepared'
  reason: UnknownReason
  message: string
}

/** Resolves every reference of the probe, and looks whether this version can carry it out. @param now milliseconds since 1970 */
export async function prepare(
  probe: Stored<'SipProbe'>,
  cluster: Cluster,
  now: number,
): Promise<Prepared | NotPrepared> {
  const { namespace } = probe.metadata
  const { name } = probe.spec.registrarRef
  const registrar = cluster.get('SipRegistrar', { namespace, name })
  if (!registrar) return notPrepared('RegistrarMissing', `The SipRegistrar ${name} does not exist in ${namespace}.`)
  const unsupported = unsupportedByProbe(probe.spec) ?? unsupportedByRegistrar(registrar.spec)
  if (unsupported) return notPrepared('Unsupported', unsupported)
  const readSecret = (name: string) => cluster.secret({ namespace, name })
  const resolved = await resolveRegistrar(registrar.spec, readSecret, now)
  if (resolved.kind === 'Unresolved') return notPrepared(reasonOf(resolved), resolved.message)
  const account = chooseAccount(probe.spec, resolved.accounts)
  if (probe.spec.account !== undefined && !account)
    return notPrepared('AccountMissing', `The SipRegistrar ${name} has no account ${probe.spec.account}.`)
  const refused = refusal(probe.spec, registrar)
  if (refused) return refused
  const servers = await resolveIce(probe.spec.media, readSecret)
  if (servers.kind === 'Unresolved') return notPrepared(reasonOf(servers), servers.message)
  const sound = await resolveSource(probe.spec.media.audio.source, (name) => cluster.configMap({ namespace, name }))
  if (sound.kind === 'Unresolved') return notPrepared(sound.reason, sound.message)
  const rest = { tls: resolved.tls, servers: servers.plan, source: sound.source }
  return { kind: 'Prepared', registrar, ...(account && { account }), ...rest }
}

/** Why the target may not be called through this registrar. */
function refusal({ target }: SipProbeSpec, { metadata, spec }: Stored<'SipRegistrar'>): NotPrepared | undefined {
  if (target === undefined) return undefined
  if (/^sips:/i.test(target) && !maySecure(spec)) {
    const message = `spec.target: sips needs transport TLS, WSS or Auto of the SipRegistrar ${metadata.name}.`
    return notPrepared('InvalidSpec', message)
  }
  const refused = refuseTarget(target, spec.policy)
  return refused === undefined ? undefined : notPrepared('Policy', refused)
}

function chooseAccount(spec: SipProbeSpec, accounts: readonly Account[]): Account | undefined {
  return spec.account === undefined ? accounts[0] : accounts.find(({ username }) => username === spec.account)
}

export interface PlanDetails {
  probe: Stored<'SipProbe'>
  prepared: Prepared
  location: string
  /** Milliseconds since 1970. */
  slot: number
  epoch: number
}

export function makePlan({ probe, prepared, location, slot, epoch }: PlanDetails): RunPlan {
  const { spec, metadata } = probe
  return {
    protocol: PROTOCOL,
    id: executionId(metadata.uid, location, slot),
    epoch,
    kind: 'Probe',
    namespace: metadata.namespace,
    name: metadata.name,
    generation: metadata.generation,
    location,
    check: spec.check,
    slot,
    endpoint: {
      id: metadata.name,
      role: spec.mode,
      ...(prepared.account && { account: prepared.account }),
      registrar: registrarPlan(prepared.registrar.spec, prepared.tls),
      ...(spec.target !== undefined && { target: spec.target }),
      media: { ...mediaPlan(spec.media, prepared.source), ...prepared.servers },
      callDuration: milliseconds(spec.callDuration),
      remoteHangup: spec.remoteHangup ?? (spec.mode === 'Caller' ? 'Fail' : 'Allow'),
    },
    timeouts: {
      register: milliseconds(spec.timeouts.register),
      answer: milliseconds(spec.timeouts.answer),
      call: calleeWindow(spec),
    },
    thresholds: effectiveThresholds(spec, location),
  }
}

function mediaPlan(
  { audio: { codec, ptime }, video, encryption, rtcpMux, jitterBuffer }: SipProbeSpec['media'],
  source: PlannedSource,
): RunPlan['endpoint']['media'] {
  return {
    audio: { codec, ptime, source },
    ...(video && { video: { codec: video.codec, resolution: video.resolution, frameRate: video.fps } }),
    ...(encryption !== 'None' && { encryption }),
    ...(rtcpMux && { rtcpMux }),
    jitterBuffer: { mode: jitterBuffer.mode, delay: milliseconds(jitterBuffer.delay) },
  }
}

/** How long a Callee waits for its call: at most the whole slot. A call that comes late in it runs into the next slot, which is then left out. */
function calleeWindow({ timeouts, schedule }: SipProbeSpec): number {
  const slot = schedule.interval === undefined ? 60_000 : milliseconds(schedule.interval)
  return timeouts.call === undefined ? slot : Math.min(milliseconds(timeouts.call), slot)
}

/** The longest an execution can take, milliseconds: every deadline used up, and the hanging up. */
export function longestExecution(spec: SipProbeSpec): number {
  const wait = spec.mode === 'Callee' ? calleeWindow(spec) : milliseconds(spec.timeouts.answer)
  return milliseconds(spec.timeouts.register) + wait + milliseconds(spec.callDuration) + HANG_UP
}

/** BYE and un-REGISTER, each with a deadline of its own. */
const HANG_UP = 15_000

function reasonOf({ reason }: Refused): UnknownReason {
  const named = reason === 'SecretMissing' || reason === 'SecretKeyMissing' || reason === 'InvalidSpec'
  return named ? reason : 'RegistrarNotReady'
}

function notPrepared(reason: UnknownReason, message: string): NotPrepared {
  return { kind: 'NotPrepared', reason, message }
}
