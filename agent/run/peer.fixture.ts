/** A far end for tests of runs: a second engine of our own that answers, rings, registers and calls as the test says. */
import { createMediaEngine } from '../media/index.ts'
import type { MediaEngine, MediaSession, Source } from '../media/index.ts'
import type { Call, IncomingCall, LocalParty, SignallingEngine } from '../sip/index.ts'
import { buildAnswer, buildOffer, createNativeEngine, readAudio, Trace } from '../sip/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'

const HOST = '127.0.0.1'

export const silentLog = createLog({ name: 'test', level: 'silent' })

/** Signalling and media of one side, on loopback. */
export interface Side extends AsyncDisposable {
  engine: SignallingEngine
  media: MediaEngine
}

export async function createSide(ports?: { first: number; last: number }): Promise<Side> {
  const clock = systemClock
  const random = systemRandom
  const engine = await createNativeEngine({ host: HOST, clock, random, userAgent: 'Test', log: silentLog })
  const media = createMediaEngine({ clock, random, ...(ports && { ports }) })
  return {
    engine,
    media,
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]()
      await media[Symbol.asyncDispose]()
    },
  }
}

export interface Peer extends AsyncDisposable {
  port: number
  /** Does this with INVITEs to `user` from now on. */
  on(user: string, behaviour: (incoming: IncomingCall) => void | Promise<void>): void
  /** Answers with media; the call is there once the ACK came. `begun`: media runs. */
  answer(
    incoming: IncomingCall,
    source?: Exclude<Source['kind'], 'Recording'> | 'Nothing',
    begun?: (session: MediaSession) => void,
  ): Promise<Call | undefined>
  /** Contacts that are registered now, as the registrar knows them. */
  readonly contacts: readonly string[]
  /** Resolves when something registers (or has), with the contact's URI. */
  registered(): Promise<string>
  /** Calls a contact and sends a tone once it is answered; `offer` in place of PCMA. */
  call(contact: string, offer?: string): ReturnType<SignallingEngine['invite']>
  /** What to answer REGISTER with; undefined: nothing. */
  registrar: { code: number } | undefined
}

/** Accepts every REGISTER; digest is tested with a real registrar. */
export async function createPeer(): Promise<Peer> {
  const side = await createSide()
  const { engine, media } = side
  const contacts = new Set<string>()
  const first = Promise.withResolvers<string>()
  const aborted = new AbortController()

  const description = async () => {
    const opened = await media.open(HOST)
    if (opened.kind !== 'Open') throw new Error('no port')
    const { session } = opened
    const { rtpPort, rtcpPort } = session
    return { session, local: { address: HOST, rtpPort, rtcpPort, codecs: ['PCMA' as const], ptime: 20, sessionId: 1 } }
  }
  type Session = Awaited<ReturnType<typeof description>>['session']
  const begin = (session: Session, remoteSdp: string, kind: Exclude<Source['kind'], 'Recording'> | 'Nothing') => {
    const remote = readAudio(remoteSdp, ['PCMA'])
    if (remote.kind !== 'Usable' || kind === 'Nothing') return
    const { address: host, rtpPort, rtcpPort, codec, payloadType, telephoneEvent, ptime } = remote.audio
    session.start({
      remote: { host, rtpPort, rtcpPort },
      codec,
      payloadType,
      ...(telephoneEvent !== undefined && { telephoneEvent }),
      ptime,
      source: { kind },
      jitterBuffer: { mode: 'Fixed', delay: 60 },
    })
  }

  const peer: Peer = {
    port: engine.ports.UDP,
    registrar: { code: 200 },
    on: (user, behaviour) => void engine.onInvite(user, (incoming) => void behaviour(incoming)),
    async answer(incoming, source = 'Echo', begun = () => {}) {
      const { session, local } = await description()
      const answered = buildAnswer(incoming.sdp ?? '', local)
      if (answered.kind !== 'Answer') throw new Error(answered.detail)
      begin(session, incoming.sdp ?? '', source)
      begun(session)
      const call = await incoming.answer(answered.sdp)
      void call?.ended.then(() => session[Symbol.asyncDispose]())
      return call
    },
    get contacts() {
      return [...contacts]
    },
    registered: () => first.promise,
    call(contact, offer) {
      const port = Number(/:(\d+)/.exec(contact.split('@')[1] ?? '')?.[1])
      const party: LocalParty = {
        aor: `sip:peer@${HOST}`,
        contactUser: 'peer',
        nextHop: { host: HOST, port, transport: 'UDP' },
        outboundProxy: false,
      }
      const offered = { address: HOST, rtpPort: 9, rtcpPort: 10, codecs: ['PCMA' as const], ptime: 20, sessionId: 1 }
      const outgoing = engine.invite({
        party,
        target: contact,
        offer: offer ?? buildOffer(offered),
        callId: `peer-${systemRandom()}`,
        timeout: 5000,
        trace: new Trace(),
        signal: aborted.signal,
      })
      void outgoing.outcome.then(async (outcome) => {
        if (outcome.kind !== 'Answered') return
        const { session } = await description()
        begin(session, outcome.call.sdp, 'Tone')
        void outcome.call.ended.then(() => session[Symbol.asyncDispose]())
      })
      return outgoing
    },
    async [Symbol.asyncDispose]() {
      aborted.abort()
      await side[Symbol.asyncDispose]()
    },
  }

  engine.onRequest('REGISTER', (request) => {
    if (!peer.registrar) return
    const contact = /<([^>]+)>/.exec(request.header('Contact')[0] ?? '')?.[1] ?? ''
    const removed = request.header('Expires')[0] === '0' || /expires=0\b/.test(request.header('Contact')[0] ?? '')
    if (peer.registrar.code !== 200 && !removed) return request.respond(peer.registrar.code)
    if (removed) contacts.delete(contact)
    else contacts.add(contact)
    request.respond(200, 'OK', removed ? [] : [['Contact', `<${contact}>;expires=60`]])
    if (!removed) first.resolve(contact)
  })
  return peer
}
