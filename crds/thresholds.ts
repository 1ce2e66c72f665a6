/** Which thresholds are in force for a probe at a location; not what a measured value means against them. */
import type { JudgedMetric } from './metrics.ts'

export interface Threshold {
  readonly warning: number
  readonly critical: number
}
export type Thresholds = Partial<Readonly<Record<JudgedMetric, Threshold>>>

export const checks = ['Call', 'Options', 'Register'] as const
export type Check = (typeof checks)[number]

export const thresholdProfiles = ['Standard', 'Enterprise', 'BestEffort', 'None'] as const
export type ThresholdProfile = (typeof thresholdProfiles)[number]

const at = (warning: number, critical: number): Threshold => ({ warning, critical })

const times = {
  setupTime: at(3000, 5000),
  ringTime: at(5000, 8000),
  connectTime: at(8000, 12_000),
  registerTime: at(1000, 3000),
  optionsTime: at(500, 1500),
} as const satisfies Thresholds

/** The bounds of each profile, in the units of the registry. */
export const profiles = {
  Standard: { mos: at(3.5, 2.5), jitter: at(40, 50), packetLoss: at(3, 5), rtt: at(200, 400), ...times },
  Enterprise: { mos: at(4.0, 3.5), jitter: at(20, 30), packetLoss: at(1, 2), rtt: at(100, 200), ...times },
  BestEffort: { mos: at(3.0, 2.0), jitter: at(60, 80), packetLoss: at(5, 10), rtt: at(300, 500), ...times },
  None: {},
} as const satisfies Record<ThresholdProfile, Thresholds>

/** What a profile judges of each check. */
export const judgedByProfile = {
  Call: ['mos', 'jitter', 'packetLoss', 'rtt', 'setupTime', 'ringTime', 'connectTime'],
  Options: ['optionsTime'],
  Register: ['registerTime'],
} as const satisfies Record<Check, readonly JudgedMetric[]>

/** The part of a probe that decides what is judged. */
export interface Judged {
  readonly check: Check
  readonly thresholdProfile: ThresholdProfile
  readonly thresholds?: Thresholds
  readonly locations: readonly { readonly name: string; readonly thresholds?: Thresholds }[]
}

/**
 * The thresholds of a location replace those of the probe, these replace the profile; nothing is mixed.
 * A profile judges what its check measures; thresholds that are listed judge exactly what they list.
 * @param location name of one of the probe's locations; one it does not have is judged as the probe is
 */
export function effectiveThresholds(spec: Judged, location: string): Thresholds {
  const listed = spec.locations.find(({ name }) => name === location)?.thresholds ?? spec.thresholds
  if (listed) return listed
  const profile: Thresholds = profiles[spec.thresholdProfile]
  const judged: { -readonly [Key in JudgedMetric]?: Threshold } = {}
  for (const key of judgedByProfile[spec.check]) {
    const threshold = profile[key]
    if (threshold) judged[key] = threshold
  }
  return judged
}
