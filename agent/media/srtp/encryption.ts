/** Whether and how a stream is encrypted, from what we want and what the other side wrote; it makes no keys and reads no SDP. */
import { chooseKeyLine, type ChosenKeyLine, type KeyChoice, type KeyLine } from './sdes.ts'

/** `media.encryption` of a probe. `Optional`: RTP/AVP with key lines, encrypted when the other side takes one. */
export type EncryptionPolicy = 'None' | 'SDES' | 'DTLS' | 'Optional'

/** What the offer or the answer says of the stream. */
export interface RemoteEncryption {
  /** `RTP/AVP`, `RTP/SAVP`, `UDP/TLS/RTP/SAVPF`, ... */
  readonly profile: string
  readonly keyLines: readonly KeyLine[]
  /** Whether it has the fingerprint of a certificate (RFC 8122). */
  readonly fingerprint: boolean
}

/**
 * Why media cannot be as we want it; the failure class is NegotiationFailed. `EncryptionDemanded`: theirs is encrypted, ours is not to be;
 * `NotEncrypted`: the other way round; `NoUsableKey`: of their key lines we can none; `OtherKeying`: they have keys by another way than ours.
 */
export type EncryptionFailure = 'EncryptionDemanded' | 'NotEncrypted' | 'NoUsableKey' | 'OtherKeying'

export type EncryptionDecision =
  | { kind: 'Plain' }
  | { kind: 'SDES'; key: Extract<ChosenKeyLine, { kind: 'Chosen' }> }
  | { kind: 'DTLS' }
  | { kind: 'NegotiationFailed'; reason: EncryptionFailure; detail: string }

/** RFC 3711 12, RFC 5124, RFC 5764 8: a profile that is never without keys. */
const SECURE = /(?:^|\/)SAVPF?$/i
const TLS = /(?:^|\/)TLS\//i

export function decideEncryption(
  policy: EncryptionPolicy,
  remote: RemoteEncryption,
  choice: KeyChoice,
): EncryptionDecision {
  const secure = SECURE.test(remote.profile)
  switch (policy) {
    case 'None':
      return secure ? failed('EncryptionDemanded', `the stream is ${remote.profile}`) : { kind: 'Plain' }
    case 'DTLS':
      if (secure && remote.fingerprint) return { kind: 'DTLS' }
      return secure ? otherKeying(remote) : notEncrypted(remote)
    case 'SDES':
    case 'Optional':
      return decideSdes(policy, remote, choice)
  }
}

function decideSdes(policy: 'SDES' | 'Optional', remote: RemoteEncryption, choice: KeyChoice): EncryptionDecision {
  const secure = SECURE.test(remote.profile)
  if (TLS.test(remote.profile)) return otherKeying(remote)
  const key = chooseKeyLine(remote.keyLines, choice)
  if (key.kind === 'Chosen') return { kind: 'SDES', key }
  if (!secure && policy === 'Optional') return { kind: 'Plain' }
  if (remote.keyLines.length > 0) return failed('NoUsableKey', key.detail)
  return secure ? otherKeying(remote) : notEncrypted(remote)
}

function otherKeying({ profile, keyLines, fingerprint }: RemoteEncryption): EncryptionDecision {
  const has = [keyLines.length > 0 && 'a=crypto', fingerprint && 'a=fingerprint'].filter((each) => each !== false)
  return failed('OtherKeying', `the stream is ${profile} with ${has.join(' and ') || 'no keys'}`)
}

function notEncrypted({ profile }: RemoteEncryption): EncryptionDecision {
  return failed('NotEncrypted', `the stream is ${profile}, and encryption is required`)
}

function failed(reason: EncryptionFailure, detail: string): EncryptionDecision {
  return { kind: 'NegotiationFailed', reason, detail }
}
