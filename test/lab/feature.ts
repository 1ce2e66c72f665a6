/** What a feature is in the tables of docs/reference, and which programs can show it. The tables are features-sip.ts and features-media.ts. */

export interface Feature {
  readonly name: string
  /** Where it is specified. */
  readonly source: string
  /** Why no peer that can be installed shows it, and what checks it instead. */
  readonly noPeer?: string
  /** The file of that check, from the root of the project. */
  readonly checkedBy?: string
}

/** Features by id, in groups. */
export type FeatureGroups = Readonly<Record<string, Readonly<Record<string, Feature>>>>

/** Real programs. What SIPp does it is told by a scenario file; libsrtp is spoken to through pylibsrtp. */
export const PEERS = [
  'Kamailio',
  'SIPp',
  'baresip',
  'sipsak',
  'tshark',
  'libsrtp',
  'ffmpeg',
  'coturn',
  'rtpengine',
] as const
export type Peer = (typeof PEERS)[number]
