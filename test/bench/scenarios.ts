/** What is compared with what, and what is expected of it; how it is measured is in measure.ts and held.ts. */
import type { Arm } from './run.ts'
import type { BenchTransport } from './transports.ts'

export interface Comparison {
  readonly name: string
  readonly subject: Arm
  readonly reference: Arm
}

export const COMPARISONS: readonly Comparison[] = [
  ...over('UDP'),
  ...over('TCP'),
  // The SIPp of Debian has no TLS: ours against ours over TCP.
  {
    name: 'tls-tcp',
    subject: { uac: 'Ours', uas: 'Ours', measured: 'UAC', transport: 'TLS' },
    reference: { uac: 'Ours', uas: 'Ours', measured: 'UAC', transport: 'TCP' },
  },
]

/** Only the measured side differs between the two arms, but where no third program can be the peer of both. */
function over(transport: BenchTransport): Comparison[] {
  const arm = (uac: Arm['uac'], uas: Arm['uas'], measured: Arm['measured']): Arm => ({ uac, uas, measured, transport })
  const ending = transport.toLowerCase()
  return [
    { name: `uac-${ending}`, subject: arm('Ours', 'SIPp', 'UAC'), reference: arm('SIPp', 'SIPp', 'UAC') },
    { name: `uas-${ending}`, subject: arm('Ours', 'Ours', 'UAS'), reference: arm('Ours', 'SIPp', 'UAS') },
    { name: `uas-sipp-${ending}`, subject: arm('SIPp', 'Ours', 'UAS'), reference: arm('SIPp', 'SIPp', 'UAS') },
    { name: `ours-${ending}`, subject: arm('Ours', 'Ours', 'UAC'), reference: arm('SIPp', 'SIPp', 'UAC') },
  ]
}

/** Those that are no comparison of two arms. */
export const OTHERS = ['held', 'registrations', 'dialogs', 'growth'] as const

export interface Target {
  /** Of a figure. */
  readonly figure: string
  readonly limit: number
  readonly sense: 'AtLeast' | 'AtMost'
  /** What is meant to be reached beyond the limit. */
  readonly goal?: number
}

export const TARGETS: readonly Target[] = [
  { figure: 'uac-udp calls/s ratio', limit: 1, sense: 'AtLeast', goal: 1.5 },
  { figure: 'uac-udp CPU per call ratio', limit: 1.5, sense: 'AtMost', goal: 1.3 },
  { figure: 'uas-udp calls/s ratio', limit: 1, sense: 'AtLeast' },
  { figure: 'held CPU per call ratio', limit: 1.1, sense: 'AtMost' },
  { figure: 'registration memory', limit: 2_048, sense: 'AtMost' },
  { figure: 'dialog memory UAC', limit: 4_096, sense: 'AtMost' },
  { figure: 'dialog memory UAS', limit: 4_096, sense: 'AtMost' },
  { figure: 'growth UAC', limit: 5_000_000, sense: 'AtMost' },
  { figure: 'growth UAS', limit: 5_000_000, sense: 'AtMost' },
  { figure: 'growth left over', limit: 0, sense: 'AtMost' },
]
