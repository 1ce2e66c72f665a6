/** The door to media: RTP sessions that send a source, measure what arrives, and report it. It knows no SIP and judges nothing. */
import type { Metrics } from '../../crds/index.ts'
import type { AudioReport } from '../quality/index.ts'
import type { CodecName } from './codec/codec.ts'
import type { ReceivedDigit } from './codec/digit-receiver.ts'
import type { DigitTiming } from './codec/telephone-event.ts'
import type { DtlsCertificate } from './dtls/index.ts'
import type { NegotiatedPath, PathOptions } from './negotiated-path.ts'
import type { Recording, WaveOutcome } from './source/wave-file.ts'
import type { SrtpReceiver, SrtpSender } from './srtp/index.ts'
import type { VideoSession } from './video-session.ts'
import type { Clip, Resolution } from './video/index.ts'

export interface MediaAddress {
  /** An IP address: a name is not looked up. */
  host: string
  /** 0: not known; packets go nowhere until the peer's first one shows where it is. */
  rtpPort: number
  /** Nothing goes there with `rtcpMux`. */
  rtcpPort: number
}

/** SRTP both ways, RTP and RTCP; who agreed on the keys, and how, is not known here. */
export interface Protection {
  sender: SrtpSender
  receiver: SrtpReceiver
}

/** What we send, for all calls encoded once. */
export type Source =
  /** A sine: whole hertz, default 1004, and dBov, default -16. */
  | { kind: 'Tone'; frequency?: number; level?: number }
  /**
   * A speech-like signal: talk spurts and pauses with a speech-shaped spectrum. What a callee says is as like and another: two that send
   * the same would each take the other's for its own echo.
   */
  | { kind: 'Speech'; role?: 'Callee' }
  /** White, at the level of speech; of caller and callee as for speech. */
  | { kind: 'Noise'; role?: 'Callee' }
  | { kind: 'Silence' }
  /** A user's own, again and again. */
  | { kind: 'Recording'; recording: Recording }
  /**
   * Each packet received goes back with its sequence number, timestamp and payload, so that gaps stay visible. `forward` is asked once
   * for each and returns false to drop it. Which packet is the last one is known only afterwards, so a dropped one is kept until the
   * next one comes; when the session stops before that, it is sent after all. `sent` is told of every packet that left.
   */
  | { kind: 'Echo'; forward?: (packet: EchoedPacket) => boolean; sent?: (packet: EchoedPacket, at: number) => void }

export interface EchoedPacket {
  ssrc: number
  sequenceNumber: number
  /** RTP timestamp units. */
  timestamp: number
  /** Clock.monotonic, milliseconds. */
  receivedAt: number
}

export interface StartOptions {
  remote: MediaAddress
  codec: CodecName
  /** Of what we send. */
  payloadType: number
  /** Of what the peer sends, where our description gave the codec another number than its own did; absent: the same. */
  receivedType?: number
  /** Payload type of telephone-event at the codec's clock rate, both ways (RFC 4733); absent: not agreed. */
  telephoneEvent?: number
  /** Milliseconds of audio a packet, one of the codec's: 1 to 200; 5, 10, 20, 40 or 60 for Opus. */
  ptime: number
  source: Source
  /** The model that packets are judged by: `Fixed` plays `delay` milliseconds after the first packet, `Adaptive` begins there. */
  jitterBuffer: { mode: 'Fixed' | 'Adaptive'; delay: number }
  /** From now on the session's, which disposes of it. Absent: nothing is encrypted. */
  protection?: Protection
  /** RTCP goes and comes on the RTP port (RFC 5761). */
  rtcpMux?: true
  /** What is heard is decoded and analysed: 0.7 MB and 0.2 to 0.7 % of a core, of its first codec alone when that changes. Absent: no metrics of the audio group, no findings. */
  analysis?: 'On'
}

/** What a new offer and answer may change in mid-call (RFC 3264 8); what is not named again stays as it is. */
export interface NewTerms extends Omit<StartOptions, 'source' | 'jitterBuffer' | 'rtcpMux' | 'analysis'> {
  /** New keys. Those before are disposed of, and their refusals stay counted. Absent: the keys go on. */
  protection?: Protection
  /** False: the peer wants no media (`sendonly`, `inactive`), so RTP pauses; its clock and RTCP go on. */
  sending: boolean
  /** False: the peer said that it sends nothing (`recvonly`, `inactive`): that nothing comes is no one-way audio. */
  receiving: boolean
}

/** How the MOS of a result came about: a MOS without this is not quotable. */
export interface MosBasis {
  /** The scale: MOS of different models are not comparable. */
  model: 'G.107' | 'G.107.1' | 'G.107.2'
  /** With what it costs, and what the model leaves out. */
  codec: string
  jitterBuffer: string
  /** Which terms the one-way delay consists of, e.g. `rtt/2 + jitter buffer + packetization`. */
  delayBasis: string
  /** Constants that no Recommendation confirms; absent: none. */
  assumed?: readonly string[]
}

export interface MediaReport {
  /** Only what was measured. */
  metrics: Metrics
  mosBasis?: MosBasis
  packetsSent: number
  packetsReceived: number
  /** Highest extended sequence number of ours that the peer's receiver reports named; absent: no report. */
  remoteProgress?: number
  /** Heard so far, at most a thousand; absent: telephone-event was not agreed. */
  digits?: readonly ReceivedDigit[]
  /** Of `analyse`; absent: it was not asked for, or is not done yet. */
  findings?: AudioReport['findings']
}

export interface MediaSession extends AsyncDisposable {
  readonly rtpPort: number
  readonly rtcpPort: number
  /**
   * Before the start, for a call with ICE or DTLS: a path on the RTP port, which the session owns and listens to. Connect it, and start with
   * the keys it has; RTP and RTCP then go over it, and the addresses of `remote` do not matter. Keys of later handshakes the session takes.
   * @throws when there is one, or the session was started or stopped
   */
  negotiatePath(options: Pick<PathOptions, 'ice' | 'certificate' | 'lost'>): Promise<NegotiatedPath>
  /** Before the start: the peer speaks neither ICE nor DTLS, so that the session has its two ports again, as if there had been no path. */
  leavePath(): void
  /**
   * Begins to send and to measure, once. The last 512 packets before it are measured too, if they have its payload type and come from
   * the peer. Packets go to `remote`, or to where the peer's packets come from when that is another address (symmetric RTP).
   * @throws when it was started or stopped before, or the codec has no packets of that ptime
   */
  start(options: StartOptions): void
  /**
   * Sends DTMF digits in place of the source, behind those that are still to be sent.
   * @throws when telephone-event was not agreed, no source is sent, or something is no digit or too long for one
   */
  sendDigits(digits: string, timing: DigitTiming): void
  /**
   * Takes new terms: RTP goes where they say and as they say. Our SSRC, our sequence numbers and all statistics go on.
   * `OtherClockRate`: nothing was changed, as the clock of a stream cannot (RFC 7160).
   * @throws when it was not started or is stopped, or the codec has no packets of that ptime
   */
  renegotiate(terms: NewTerms): 'Changed' | 'OtherClockRate'
  /** Clock.monotonic of the last RTP packet from the peer; undefined: not one came. For every second: a report is more to compute. */
  readonly lastReceivedAt: number | undefined
  /**
   * After `stop`: judges what was heard, from when on `report` has the metrics of the audio group and the findings. It keeps the event loop
   * for up to 0.1 s, so the sessions of an engine take turns. Without `analysis: 'On'` it does nothing.
   */
  analyse(): Promise<void>
  /** The call so far: averages and totals as `health.ts` judges them. `jitter` is the average of J of RFC 3550 A.8 over the packets. */
  report(): MediaReport
  /** The second that ended now: call it once a second. `mosLow` of the report comes from these. */
  sample(): Metrics
  /** RTCP BYE, then silence, and nothing more is received; `report` stays valid. Disposing stops too, and frees the ports. */
  stop(): void
}

export type OpenOutcome<Session = MediaSession> =
  { kind: 'Open'; session: Session } | { kind: 'PortsExhausted'; range: string }

export interface MediaEngine extends AsyncDisposable {
  /** Binds an RTP/RTCP port pair on `address`. Rejects with the system's error when that is no address of this machine. */
  open(address: string): Promise<OpenOutcome>
  /** The same for a video stream. */
  openVideo(address: string): Promise<OpenOutcome<VideoSession>>
  /** Pictures that are sent, read when they are asked for first: for before the calls. */
  clip(codec: Clip['codec'], resolution: Resolution): Clip
  /** Encodes what is to be sent, once for all sessions: for before the calls, so that none of them waits for it. @throws as `start` does */
  prepare(format: Pick<StartOptions, 'codec' | 'ptime' | 'source'>): void
  /** What our side shows in every DTLS handshake, made when it is asked for first. */
  certificate(): Promise<DtlsCertificate>
  /** A source from a user's WAV file; of the same octets the same one. @param name of the file, for the text of a refusal */
  recording(name: string, file: Uint8Array): WaveOutcome
  /** Totals since the start, and ports now; `portsFree` is undefined when no range of ports is configured. */
  readonly gauges: Readonly<{
    portsUsed: number
    portsFree: number | undefined
    packetsSent: number
    packetsReceived: number
    /** RTP and RTCP packets that the system did not take. */
    sendErrors: number
    /** What arrived and was no RTP or RTCP, or not the peer's. */
    refused: number
  }>
  /** Watches from now on, until it is disposed of, how late packets leave against their slots. */
  watchPacing(): PacingWatch
  /**
   * Calls back at each full second after `began`, a little later where many have theirs at once, so that packets leave between them.
   * @param began monotonic milliseconds @param callback told the second, from 0 on
   */
  everySecond(began: number, callback: (second: number) => void): Disposable
}

/** Watches of the same time see the same packets: those of all sessions. */
export interface PacingWatch extends Disposable {
  /** 99th percentile, milliseconds, of fewer than 300 packets the third-latest; undefined: no packet was due. */
  p99(): number | undefined
}
