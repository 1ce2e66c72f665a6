/** The values of SDES key lines (RFC 4568): making one, reading one, choosing one. How a=crypto is written in SDP others know. */
import type { MasterKey } from './session-keys.ts'
import { isSuiteName, type SuiteName, suites } from './suites.ts'

/**
 * The parts of a line, as text.
 *
 *     a=crypto:<tag> <suite> inline:<key>|<lifetime>|<mki> <sessionParameters>
 *     a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 WSH=64
 */
export interface KeyLine {
  readonly tag: number
  readonly suite: string
  /** Base64 of master key and salt, one after the other. A secret. */
  readonly key: string
  /** `2^20` or a number of packets. */
  readonly lifetime?: string | undefined
  /** `1:4`: value and octets. */
  readonly mki?: string | undefined
  readonly sessionParameters?: string | undefined
}

/** Why a line cannot be used. `SessionParameter`: it has one that changes what the packets are (RFC 4568 6.3), or that nobody knows. */
export type KeyLineFault = 'UnknownSuite' | 'KeyLength' | 'Lifetime' | 'Mki' | 'SessionParameter'

/** `mki`: what the packets under the key have beside their tag; empty: nothing. `detail` has no secret. */
export type KeyLineOutcome =
  { kind: 'Usable'; master: MasterKey; mki: Buffer } | { kind: 'Unusable'; reason: KeyLineFault; detail: string }

/** Unpredictable octets: `randomBytes` of node:crypto, or what a test knows beforehand. */
export type RandomOctets = (length: number) => Buffer

/** A line with a new key, and the key; without lifetime and MKI: it is one key for one call. */
export function createKeyLine(
  tag: number,
  suite: SuiteName,
  random: RandomOctets,
): { line: KeyLine; master: MasterKey } {
  const { keyLength, saltLength } = suites[suite]
  const secret = random(keyLength + saltLength)
  const master = { suite, key: secret.subarray(0, keyLength), salt: secret.subarray(keyLength) }
  return { line: { tag, suite, key: secret.toString('base64') }, master }
}

export function readKeyLine({ suite, key, lifetime, mki, sessionParameters }: KeyLine): KeyLineOutcome {
  if (!isSuiteName(suite)) return unusable('UnknownSuite', suite)
  const { keyLength, saltLength } = suites[suite]
  const secret = Buffer.from(key, 'base64')
  if (!/^[A-Za-z\d+/]+={0,2}$/.test(key) || secret.length !== keyLength + saltLength) {
    return unusable('KeyLength', `${suite} has ${keyLength + saltLength} octets of key and salt, not ${secret.length}`)
  }
  if (lifetime !== undefined && !isLifetime(lifetime)) return unusable('Lifetime', lifetime)
  const identifier = mki === undefined ? Buffer.alloc(0) : readMki(mki)
  if (identifier === undefined) return unusable('Mki', mki ?? '')
  const unknown = (sessionParameters ?? '').split(' ').find((each) => each !== '' && !mayBeIgnored(each))
  if (unknown !== undefined) return unusable('SessionParameter', unknown)
  const master = { suite, key: secret.subarray(0, keyLength), salt: secret.subarray(keyLength) }
  return { kind: 'Usable', master, mki: identifier }
}

/** With whom a line is chosen: from an offer any of our suites, from an answer a line that we offered under its tag (RFC 4568 5.1.2, 5.1.3). */
export type KeyChoice =
  | { role: 'Answerer'; suites: readonly SuiteName[] }
  | { role: 'Offerer'; offered: ReadonlyArray<{ readonly tag: number; readonly suite: string }> }

export type ChosenKeyLine =
  | { kind: 'Chosen'; line: KeyLine; master: MasterKey; mki: Buffer }
  /** `detail`: a reason for each line, or that there is none. */
  | { kind: 'NoneUsable'; detail: string }

/** The first line that both sides can: the offerer's order is its preference. */
export function chooseKeyLine(lines: readonly KeyLine[], choice: KeyChoice): ChosenKeyLine {
  const faults: string[] = []
  for (const line of lines) {
    const outcome = readKeyLine(line)
    if (outcome.kind === 'Unusable') faults.push(`line ${line.tag}: ${outcome.reason} ${outcome.detail}`)
    else if (!isOurs(line, choice)) faults.push(`line ${line.tag}: ${line.suite} is not ours`)
    else return { kind: 'Chosen', line, master: outcome.master, mki: outcome.mki }
  }
  return { kind: 'NoneUsable', detail: faults.join('; ') || 'there is no key' }
}

function isOurs({ tag, suite }: KeyLine, choice: KeyChoice): boolean {
  if (choice.role === 'Answerer') return choice.suites.some((ours) => ours === suite)
  return choice.offered.some((ours) => ours.tag === tag && ours.suite === suite)
}

/** RFC 4568 6.1: at least one packet, at most 2^48. */
function isLifetime(text: string): boolean {
  const [, power, packets] = /^(?:2\^(\d{1,2})|(\d{1,15}))$/.exec(text) ?? []
  const count = power === undefined ? Number(packets) : 2 ** Number(power)
  return count >= 1 && count <= 2 ** 48
}

/** RFC 4568 6.1: a number that fits into its octets, of which there are 1 to 128. */
function readMki(text: string): Buffer | undefined {
  const [, value, length] = /^(\d{1,309}):(\d{1,3})$/.exec(text) ?? []
  const octets = Number(length)
  if (value === undefined || !(octets >= 1 && octets <= 128)) return undefined
  const digits = BigInt(value).toString(16)
  return digits.length <= 2 * octets ? Buffer.from(digits.padStart(2 * octets, '0'), 'hex') : undefined
}

/** RFC 4568 6.3.7: the window of the other side; 6.3.8: what begins with a hyphen. */
function mayBeIgnored(parameter: string): boolean {
  return parameter.startsWith('WSH=') || parameter.startsWith('-')
}

function unusable(reason: KeyLineFault, detail: string): KeyLineOutcome {
  return { kind: 'Unusable', reason, detail }
}
