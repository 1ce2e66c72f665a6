/** Which declared fields this version cannot carry out yet. They are refused by name before a call, never approximated. Pure. */
import type { SipProbeSpec, SipRegistrarSpec } from '../../crds/index.ts'

type Check<Spec> = readonly [field: string, unsupported: (spec: Spec) => boolean, supported: string]

const OF_A_REGISTRAR: ReadonlyArray<Check<SipRegistrarSpec>> = [
  ['engine', ({ engine }) => engine !== 'Native', 'Native'],
]

const OF_A_PROBE: ReadonlyArray<Check<SipProbeSpec>> = [
  [
    'media.video',
    ({ media }) => media.video !== undefined && (media.encryption === 'DTLS' || media.ice !== 'None'),
    'video with encryption None, SDES or Optional, and without ICE',
  ],
  ['media.stun', ({ media: { ice, stun } }) => ice !== 'Full' && stun.length > 0, 'stun with ice: Full'],
  ['media.turn', ({ media: { ice, turn } }) => ice !== 'Full' && turn.length > 0, 'turn with ice: Full'],
  ['media.turn.uri', ({ media }) => media.turn.some(({ uri }) => uri.startsWith('turns:')), 'turn:'],
  ['scenario', ({ scenario }) => scenario.length > 0, 'no scenario'],
  ['scriptRef', ({ scriptRef }) => scriptRef !== undefined, 'no script'],
]

export const unsupportedByRegistrar = (spec: SipRegistrarSpec): string | undefined => first(spec, OF_A_REGISTRAR)

export const unsupportedByProbe = (spec: SipProbeSpec): string | undefined => first(spec, OF_A_PROBE)

function first<Spec>(spec: Spec, checks: ReadonlyArray<Check<Spec>>): string | undefined {
  const found = checks.find(([, unsupported]) => unsupported(spec))
  return found && `spec.${found[0]}: not carried out by this version, which knows: ${found[2]}.`
}
