/** One end of a DTLS-SRTP association (RFC 5764): the handshake, who the peer is, and the SRTP keys; it owns no socket and carries no media. */
import { DtlsClient, DtlsServer, HashAlgorithm, SignatureAlgorithm, type Transport } from 'werift'
import type { Clock } from '../../../lib/clock.ts'
import {
  exportedLength,
  masterKeysOf,
  SrtpReceiver,
  SrtpSender,
  type SuiteName,
  suiteOfProfile,
} from '../srtp/index.ts'
import { type Decrypt, endingAlert } from './alert.ts'
import { type DtlsCertificate, type Fingerprint, hasFingerprint } from './certificate.ts'
import { disproof, type DtlsSide, MESSAGE } from './handshake-proof.ts'
import { Repeats } from './repeats.ts'

export interface DtlsOptions {
  clock: Clock
  certificate: DtlsCertificate
  side: DtlsSide
  /** Of the peer's certificate, from its description. */
  fingerprints: readonly Fingerprint[]
  /** Milliseconds that the handshake may take. */
  timeout: number
  send(datagram: Buffer): void
  /** The peer has made another handshake: these are the keys from now on, and the caller's to dispose of. */
  rekeyed?(contexts: SrtpContexts): void
}

/**
 * Why there is no association. `FingerprintMismatch`: the certificate is not the one signalled; `NotProven`: the peer does not hold its key, or
 * saw another handshake; `NoCommonSuite`: it takes no SRTP suite of ours; `Alert`: it gave up and said why; `Timeout`: nothing came of it in
 * the time it has; `Protocol`: the same, and the peer had said what DTLS 1.2 with our cipher suites does not; `Stopped`: we ended it.
 */
export type DtlsFailure =
  'FingerprintMismatch' | 'NotProven' | 'NoCommonSuite' | 'Alert' | 'Protocol' | 'Timeout' | 'Stopped'

/** `handshakeTime`: milliseconds from its start to its end. `contexts` are the caller's to dispose of. */
export type DtlsOutcome =
  | { kind: 'Established'; contexts: SrtpContexts; handshakeTime: number }
  | { kind: 'Failed'; reason: DtlsFailure; detail: string; handshakeTime: number }

/** What goes and comes under the keys of one handshake. */
export interface SrtpContexts {
  readonly suite: SuiteName
  readonly sender: SrtpSender
  readonly receiver: SrtpReceiver
}

/** AEAD_AES_128_GCM and AES_CM_128_HMAC_SHA1_80 (RFC 7714 14.2, RFC 5764 4.1.2), the first that the peer has too: all that werift can name. */
const PROFILES: [7, 1] = [7, 1]
const EXPORTER_LABEL = 'EXTRACTOR-dtls_srtp'
/** Content type, version, epoch, sequence number, length. */
const RECORD_HEADER = 13
/** Of one handshake, with all that may be sent again; werift keeps the fragments of messages that never become whole. */
const MOST_DATAGRAMS = 200
/** Behind every flight of a handshake: nothing is sent again. */
const OVER = 100

export class DtlsEndpoint implements AsyncDisposable {
  /** Never rejects. */
  readonly outcome: Promise<DtlsOutcome>
  readonly #options: DtlsOptions
  readonly #socket: DtlsClient | DtlsServer
  readonly #startedAt: number
  readonly #patience: Disposable
  /** What werift has under way: it has timers that only end by themselves. */
  readonly #pending = new Set<Promise<void>>()
  readonly #repeats = new Repeats()
  readonly #settle: (outcome: DtlsOutcome) => void
  #handshakes = 0
  #datagrams = 0
  #failed = false
  #disposed = false
  #masterSecret: Buffer | undefined
  #finished: Buffer | undefined
  /** The first thing that werift could not take. */
  #error: string | undefined

  /** Begins at once: as a client with its first message, as a server by waiting for it. */
  constructor(options: DtlsOptions) {
    this.#options = options
    const { promise, resolve } = Promise.withResolvers<DtlsOutcome>()
    this.outcome = promise
    this.#settle = resolve
    this.#startedAt = options.clock.monotonic()
    this.#patience = options.clock.timer(options.timeout, () => this.#giveUp())
    this.#socket = this.#open()
    if (this.#socket instanceof DtlsClient) this.#watch(this.#socket.connect()).catch((error) => this.#note(error))
  }

  /** Handshakes completed after the first; each has new keys. */
  get rehandshakes(): number {
    return Math.max(0, this.#handshakes - 1)
  }

  /** @param datagram one that begins as DTLS does; whatever is in it, nothing is thrown */
  receive(datagram: Buffer): void {
    if (this.#disposed || this.#failed || datagram.length < RECORD_HEADER) return
    if (this.#datagrams++ >= MOST_DATAGRAMS) return
    if (this.#handshakes === 0) {
      const alert = endingAlert(datagram, this.#decrypt())
      if (alert !== undefined) return this.#fail('Alert', alert)
    }
    try {
      this.#socket.transport.socket.onData(datagram, NOWHERE)
    } catch {
      // Records that are cut off: as good as lost.
    }
  }

  /** Waits for what werift cannot cancel: nothing keeps the process after it. A handshake that is not over has `Stopped` as its outcome. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail('Stopped', 'the session ended')
    this.#disposed = true
    this.#socket.dtls.flight = OVER
    await Promise.allSettled(this.#pending)
  }

  #open(): DtlsClient | DtlsServer {
    const { certificate, side } = this.#options
    const options = {
      cert: certificate.certificate,
      key: certificate.key,
      signatureHash: { hash: HashAlgorithm.sha256_4, signature: SignatureAlgorithm.ecdsa_3 },
      srtpProfiles: PROFILES,
      extendedMasterSecret: true,
      transport: this.#transport(),
    }
    const socket =
      side === 'Client' ? new DtlsClient(options) : new DtlsServer({ ...options, certificateRequest: true })
    socket.onConnect.subscribe(() => this.#onConnect())
    socket.onError.subscribe((error: unknown) => this.#note(error))
    const handle = socket.onHandleHandshakes
    socket.onHandleHandshakes = (messages) => {
      const fresh = messages.filter((message) => this.#repeats.accepts(message, socket.dtls.flight))
      this.#finished = fresh.find(({ msg_type }) => msg_type === MESSAGE.finished)?.fragment ?? this.#finished
      return this.#watch(handle(fresh))
    }
    return socket
  }

  #transport(): Transport {
    return {
      type: 'udp',
      address: { address: NOWHERE[0], port: NOWHERE[1], family: 'IPv4' },
      closed: false,
      onData: () => undefined,
      send: async (datagram) => {
        if (!this.#disposed) this.#options.send(datagram)
      },
      close: async () => undefined,
    }
  }

  #watch(work: Promise<void>): Promise<void> {
    this.#pending.add(work)
    const done = () => void this.#pending.delete(work)
    work.then(done, done)
    return work
  }

  /** A peer whose last flight was lost sends its Finished again, and werift calls that a connection again: its secret is the same. */
  #onConnect(): void {
    const { masterSecret } = this.#socket.cipher
    if (this.#disposed || this.#failed || masterSecret === this.#masterSecret) return
    this.#masterSecret = masterSecret
    const refusal = this.#refusal()
    // What the peer has shown once stays: another handshake that shows something else changes nothing.
    if (refusal) return this.#fail(refusal.reason, refusal.detail)
    const { srtpProfile } = this.#socket.srtp
    const suite = srtpProfile === undefined ? undefined : suiteOfProfile(srtpProfile)
    if (suite === undefined) return this.#fail('NoCommonSuite', 'the peer chose no SRTP protection profile')
    const contexts = this.#contextsOf(suite)
    this.#handshakes++
    this.#datagrams = 0
    this.#patience[Symbol.dispose]()
    if (this.#handshakes > 1) this.#options.rekeyed?.(contexts)
    else this.#settle({ kind: 'Established', contexts, handshakeTime: this.#elapsed() })
  }

  #refusal(): { reason: DtlsFailure; detail: string } | undefined {
    const { cipher, dtls } = this.#socket
    const { side, fingerprints } = this.#options
    const certificate = cipher.remoteCertificate
    if (!certificate || !this.#finished) return { reason: 'NotProven', detail: 'the peer showed no certificate' }
    if (!hasFingerprint(certificate, fingerprints)) {
      return { reason: 'FingerprintMismatch', detail: 'the certificate of the peer is not the one it signalled' }
    }
    const messages = dtls.sortedHandshakeCache.map((message) => ({
      ...{ type: message.msg_type, body: message.fragment, octets: message.serialize() },
    }))
    // The Finished of the client is in that of the server, and nothing is in its own.
    const last = messages.findIndex(({ type }) => type === MESSAGE.finished)
    const [client, server] =
      side === 'Client' ? [cipher.localRandom, cipher.remoteRandom] : [cipher.remoteRandom, cipher.localRandom]
    const detail = disproof({
      ...{ side, certificate, finished: this.#finished, masterSecret: cipher.masterSecret },
      ...{ clientRandom: client.serialize(), serverRandom: server.serialize() },
      messages: side === 'Client' ? messages : messages.slice(0, last),
    })
    return detail === undefined ? undefined : { reason: 'NotProven', detail }
  }

  #contextsOf(suite: SuiteName): SrtpContexts {
    const material = this.#socket.exportKeyingMaterial(EXPORTER_LABEL, exportedLength(suite))
    const { local, remote } = masterKeysOf(suite, material, this.#options.side)
    const contexts = { suite, sender: new SrtpSender(local), receiver: new SrtpReceiver(remote) }
    material.fill(0)
    return contexts
  }

  /** Also a message that comes a second time is an error to werift, so that none of them ends the handshake before its time. */
  #note(error: unknown): void {
    this.#error ??= error instanceof Error ? error.message : String(error)
  }

  #giveUp(): void {
    if (this.#error) this.#fail('Protocol', this.#error)
    else this.#fail('Timeout', `${this.#options.timeout} ms`)
  }

  /** After the first handshake nothing fails any more: the keys that there are stay. */
  #fail(reason: DtlsFailure, detail: string): void {
    if (this.#handshakes > 0 || this.#failed) return
    this.#failed = true
    this.#patience[Symbol.dispose]()
    this.#settle({ kind: 'Failed', reason, detail, handshakeTime: this.#elapsed() })
  }

  #elapsed(): number {
    return this.#options.clock.monotonic() - this.#startedAt
  }

  #decrypt(): Decrypt | undefined {
    const { cipher, sessionType } = this.#socket.cipher
    return cipher && ((fragment, header) => cipher.decrypt(sessionType, fragment, header))
  }
}

/** werift wants to know where a datagram came from and does nothing with it. */
const NOWHERE: readonly [string, number] = ['0.0.0.0', 0]
