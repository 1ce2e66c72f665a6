/** The media engine of an agent: sessions on one pacing loop and one set of ports. What a session does is `session.ts`. */
import type { Clock } from '../../lib/clock.ts'
import { type Random, token } from '../../lib/random.ts'
import type { DtlsCertificate } from './dtls/index.ts'
import type { MediaEngine, OpenOutcome } from './media.ts'
import { PacketBuffers } from './packet-buffers.ts'
import { Pacer } from './pacer.ts'
import { type PortPair, type PortRange, PortPairs } from './ports.ts'
import { Seconds } from './seconds.ts'
import { RtpSession, type SessionContext, codecFor } from './session.ts'
import { Recordings } from './source/recordings.ts'
import { Sources } from './source/sources.ts'
import { Turns } from './turns.ts'
import { VideoSession } from './video-session.ts'
import { Clips } from './video/index.ts'

export interface MediaEngineOptions {
  clock: Clock
  random: Random
  /** UDP ports for RTP and RTCP; absent: the system names free ones. */
  ports?: PortRange
}

export function createMediaEngine({ clock, random, ports: range }: MediaEngineOptions): MediaEngine {
  const ports = new PortPairs(range)
  const pacer = new Pacer(clock)
  const seconds = new Seconds(clock)
  const totals = { packetsSent: 0, packetsReceived: 0, sendErrors: 0, refused: 0 }
  const context: SessionContext = {
    ...{ clock, random, pacer, totals, cname: token(random, 16) },
    ...{ sources: new Sources(), turns: new Turns(clock), buffers: new PacketBuffers() },
  }
  const sessions = new Set<RtpSession | VideoSession>()
  const clips = new Clips()
  let certificate: Promise<DtlsCertificate> | undefined
  const recordings = new Recordings()

  async function open<Session extends RtpSession | VideoSession>(
    address: string,
    kind: new (context: SessionContext, pair: PortPair, disposed: () => void) => Session,
  ): Promise<OpenOutcome<Session>> {
    const pair = await ports.bind(address)
    if (!pair) return { kind: 'PortsExhausted', range: range ? `${range.first}-${range.last}` : 'ephemeral' }
    const session: Session = new kind(context, pair, () => sessions.delete(session))
    sessions.add(session)
    return { kind: 'Open', session }
  }

  return {
    open: (address) => open(address, RtpSession),
    openVideo: (address) => open(address, VideoSession),
    clip: (codec, resolution) => clips.of(codec, resolution),
    prepare({ codec, ptime, source }) {
      if (source.kind !== 'Echo') context.sources.packets(codecFor({ codec, ptime }), ptime, source)
    },
    certificate: () => (certificate ??= newCertificate(clock)),
    recording: (name, file) => recordings.of(name, file),
    get gauges() {
      return { portsUsed: ports.used, portsFree: ports.free, ...totals }
    },
    watchPacing: () => pacer.watch(),
    everySecond: (began, callback) => seconds.every(began, callback),
    async [Symbol.asyncDispose]() {
      await Promise.all([...sessions].map((session) => session[Symbol.asyncDispose]()))
      pacer[Symbol.dispose]()
      seconds[Symbol.dispose]()
    },
  }
}

/** Loaded when a call needs it. */
async function newCertificate(clock: Clock): Promise<DtlsCertificate> {
  const { createCertificate } = await import('./dtls/certificate.ts')
  return await createCertificate(clock)
}
