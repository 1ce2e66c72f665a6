/** What a call is to send, from the fields of a probe and the ConfigMap they name, or a named reason why it cannot. */
import { readWave } from '../../agent/index.ts'
import type { RunPlan } from '../../agent/index.ts'
import type { SipProbeSpec } from '../../crds/index.ts'
import type { KeyedOctets } from '../cluster/cluster.ts'

export type PlannedSource = RunPlan['endpoint']['media']['audio']['source']

export type ResolvedSource =
  | { kind: 'Resolved'; source: PlannedSource }
  | { kind: 'Unresolved'; reason: 'ConfigMapMissing' | 'InvalidSpec'; message: string }

export async function resolveSource(
  { tone, fileRef }: SipProbeSpec['media']['audio']['source'],
  readConfigMap: (name: string) => Promise<KeyedOctets | undefined>,
): Promise<ResolvedSource> {
  if (tone) return { kind: 'Resolved', source: { kind: 'Tone', ...tone } }
  if (!fileRef) return { kind: 'Resolved', source: { kind: 'Speech' } }
  const { name, key } = fileRef
  const data = await readConfigMap(name)
  if (!data) return unresolved('ConfigMapMissing', `the ConfigMap ${name} does not exist`)
  const file = data[key]
  if (!file) return unresolved('ConfigMapMissing', `the ConfigMap ${name} has no key ${key}`)
  const outcome = readWave(`the file ${key} in the ConfigMap ${name}`, file)
  if (outcome.kind === 'Unusable') return unresolved('InvalidSpec', outcome.detail)
  const source = { kind: 'Recording', name: `${name}/${key}`, file: file.toString('base64') } as const
  return { kind: 'Resolved', source }
}

function unresolved(reason: 'ConfigMapMissing' | 'InvalidSpec', why: string): ResolvedSource {
  return { kind: 'Unresolved', reason, message: `spec.media.audio.source.fileRef: ${why}.` }
}
