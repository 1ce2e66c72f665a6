/** How one stream is encrypted: makes our keys by SDES (RFC 4568), judges what the peer has, and gives the protection that both make. It reads no SDP and makes no handshake. */
import type { Protection } from '../media/index.ts'
import {
  createKeyLine,
  decideEncryption,
  type EncryptionFailure,
  type EncryptionPolicy,
  type KeyLine,
  readKeyLine,
  SrtpReceiver,
  SrtpSender,
  suiteNames,
} from '../media/srtp/index.ts'
import type { KeysOfStream, Fingerprint, KeyChoice, RemoteStream, RemoteKeys } from '../sip/index.ts'

const words: Readonly<Record<EncryptionFailure, string>> = {
  EncryptionDemanded: 'the other side wants encryption, and we are to use none',
  NotEncrypted: 'the other side does not encrypt',
  NoUsableKey: 'none of the keys of the other side can be used',
  OtherKeying: 'the other side has its keys by another way',
}

export class StreamKeys implements KeysOfStream {
  /** Of our certificate; none: no handshake. */
  readonly fingerprints: readonly Fingerprint[]
  readonly #encryption: EncryptionPolicy
  readonly #octets: (length: number) => Buffer
  #lines: readonly KeyLine[]
  /** Those that `#agreed` has one of. */
  #linesInUse: readonly KeyLine[] = []
  #agreed: RemoteStream['keys']

  /** @param octets unpredictable ones, `randomBytes` of node:crypto @param fingerprints at least one for DTLS */
  constructor(encryption: EncryptionPolicy, octets: (length: number) => Buffer, fingerprints: readonly Fingerprint[]) {
    this.#encryption = encryption
    this.fingerprints = fingerprints
    this.#octets = octets
    this.#lines = this.#newLines()
  }

  get required(): boolean {
    return this.#encryption === 'SDES' || this.#encryption === 'DTLS'
  }

  get lines(): readonly KeyLine[] {
    return this.#lines
  }

  choose(remote: RemoteKeys, from: 'Offer' | 'Answer'): KeyChoice {
    const decision = decideEncryption(
      this.#encryption,
      remote,
      from === 'Offer' ? { role: 'Answerer', suites: suiteNames } : { role: 'Offerer', offered: this.#lines },
    )
    switch (decision.kind) {
      case 'Plain':
        return this.#agreed ? { kind: 'Refused', detail: 'encryption is not left in mid-call' } : { kind: 'Taken' }
      case 'SDES': {
        const { line } = decision.key
        // Under one key no packet may have the number of another (RFC 3711 9.1), and with a new key of theirs we count anew.
        // What was answered with new lines may have been refused after all: with their old key ours are the old ones, too.
        if (from === 'Offer' && this.#agreed)
          this.#lines = this.#agreed.remote.key === line.key ? this.#linesInUse : this.#newLines()
        return { kind: 'Taken', line }
      }
      case 'DTLS':
        return { kind: 'Taken' }
      case 'NegotiationFailed':
        return { kind: 'Refused', detail: `${words[decision.reason]}: ${decision.detail}` }
    }
  }

  /** For keys that `choose` took. Undefined: they are those in use, or there are none. */
  protection(agreed: RemoteStream['keys']): Protection | undefined {
    const before = this.#agreed
    if (!agreed || (before?.local.key === agreed.local.key && before.remote.key === agreed.remote.key)) return undefined
    const [local, remote] = [readKeyLine(agreed.local), readKeyLine(agreed.remote)]
    if (local.kind !== 'Usable' || remote.kind !== 'Usable') throw new Error('a key was taken that cannot be used')
    return { sender: new SrtpSender(local.master), receiver: new SrtpReceiver(remote.master, remote.mki) }
  }

  /** They are in use now. */
  use(agreed: RemoteStream['keys']): void {
    this.#agreed = agreed
    this.#linesInUse = this.#lines
  }

  #newLines(): KeyLine[] {
    if (this.#encryption === 'None' || this.#encryption === 'DTLS') return []
    return suiteNames.map((suite, index) => createKeyLine(index + 1, suite, this.#octets).line)
  }
}
