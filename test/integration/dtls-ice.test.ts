/** DTLS-SRTP and ICE with a real baresip, in both roles: its tone comes whole under the keys of the handshake, and its reports say that ours does. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { createCertificate, type DtlsSide } from '../../agent/media/dtls/index.ts'
import { NegotiatedPath, type PathOutcome, type RemotePath } from '../../agent/media/negotiated-path.ts'
import { parseCompound } from '../../agent/media/rtcp.ts'
import { createPacket, payloadType, sequenceNumber, stampPacket } from '../../agent/media/rtp.ts'
import { MOST_OVERHEAD, type SrtpOutcome } from '../../agent/media/srtp/index.ts'
import type { MediaDescription, SessionDescription } from '../../agent/sip/sdp/description.ts'
import type { LocalMedia } from '../../agent/sip/sdp/negotiate.ts'
import { type LocalSession, makeAnswer, makeOffer } from '../../agent/sip/sdp/offer-answer.ts'
import { parseDescription } from '../../agent/sip/sdp/parse.ts'
import { writeDescription } from '../../agent/sip/sdp/write.ts'
import { systemClock } from '../../lib/clock.ts'
import { systemRandom } from '../../lib/random.ts'
import { type Baresip, baresip } from '../lab/baresip.ts'
import { shows } from '../lab/features.ts'
import * as agents from './sip/agents.ts'

const certificate = await createCertificate(systemClock)
const SSRC = 0x1234_5678
const TIMEOUT = 20_000

interface Kind {
  readonly dtls: boolean
  readonly ice: 'Full' | 'Lite' | undefined
}

/** A path of ours, and how we describe it. */
async function openPath({ dtls, ice: mode }: Kind, controlling: boolean) {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const ice = mode && { mode, controlling, stun: [], turn: [], candidates: 'All' as const }
  const path = new NegotiatedPath({
    ...{ clock: systemClock, random: systemRandom, socket, certificate },
    ...(ice && { ice }),
  })
  await path.gather()
  const media: LocalMedia = {
    ...{ kind: 'audio', address: '127.0.0.1', port: socket.address().port, ptime: 20, rtcpMux: true },
    codecs: [{ name: 'PCMU', payloadType: 0, clockRate: 8_000 }],
    profiles: dtls ? ['UDP/TLS/RTP/SAVPF', 'UDP/TLS/RTP/SAVP'] : ['RTP/AVP'],
    ...(dtls && { fingerprints: [certificate.fingerprint] }),
    ...(path.ice && { ice: { ...path.ice, endOfCandidates: true } }),
  }
  const session: LocalSession = { sessionId: 1, address: '127.0.0.1', media: [media], iceLite: mode === 'Lite' }
  return {
    ...{ path, media, session },
    async [Symbol.asyncDispose]() {
      await path[Symbol.asyncDispose]()
      socket.close()
    },
  }
}

function parsed(sdp: string | undefined): { description: SessionDescription; media: MediaDescription } {
  const outcome = parseDescription(sdp ?? '')
  const [media] = outcome.kind === 'Description' ? outcome.description.media : []
  if (outcome.kind !== 'Description' || !media) throw new Error(`${outcome.kind}: ${sdp}`)
  return { description: outcome.description, media }
}

function remoteOf(sdp: string | undefined, side: DtlsSide | undefined): RemotePath {
  const { description, media } = parsed(sdp)
  return {
    ...{ host: media.address ?? '', port: media.port },
    ...(media.ice && { ice: { ...media.ice, lite: description.iceLite } }),
    ...(side && { dtls: { side, fingerprints: media.fingerprints } }),
  }
}

/** Nothing when it was refused: what the receiver counts is looked at in the end. */
function packetOf(outcome: SrtpOutcome | undefined, plain: Buffer): Buffer {
  if (outcome?.kind === 'Refused') return Buffer.alloc(0)
  return outcome?.packet ?? plain
}

/** We send noise until a report of the peer names it; what came until then is given. */
async function talk(path: NegotiatedPath, outcome: PathOutcome) {
  if (outcome.kind === 'Failed') throw new Error(`${outcome.stage} ${outcome.reason}: ${outcome.detail}`)
  const { contexts } = outcome
  const heard: Buffer[] = []
  const reported = Promise.withResolvers<{ extendedHighest: number; cumulativeLost: number }>()
  path.listen((kind, packet) => {
    if (kind === 'RTP') return void heard.push(packetOf(contexts?.receiver.unprotectRtp(packet), packet))
    const reports = parseCompound(packetOf(contexts?.receiver.unprotectRtcp(packet), packet)) ?? []
    for (const report of reports) {
      const block = 'reports' in report ? report.reports.find(({ ssrc }) => ssrc === SSRC) : undefined
      if (block) reported.resolve(block)
    }
  })
  let sent = 0
  const sending = setInterval(() => {
    const packet = createPacket(0, SSRC, 160)
    stampPacket(packet, false, 100 + sent, 160 * sent)
    for (let index = 12; index < packet.length; index++) packet[index] = (31 * index + sent) & 0xff
    const into = Buffer.alloc(packet.length + MOST_OVERHEAD)
    path.send('RTP', packetOf(contexts?.sender.protectRtp(packet, into), packet))
    sent++
  }, 20)
  try {
    const report = await reported.promise
    return { heard, report, sent, refusals: contexts?.receiver.refusals }
  } finally {
    clearInterval(sending)
  }
}

function expectTalk({ heard, report, sent, refusals }: Awaited<ReturnType<typeof talk>>): void {
  expect(report.extendedHighest).toBeGreaterThan(100)
  expect(report.extendedHighest).toBeLessThan(100 + sent)
  expect(report.cumulativeLost).toBe(0)
  // It reports once in the clear before it has keys.
  for (const [reason, count] of Object.entries(refusals ?? {})) {
    expect([reason, count <= (reason === 'NotEncrypted' ? 1 : 0)]).toEqual([reason, true])
  }
  expect(heard.length).toBeGreaterThan(20)
  expect(new Set(heard.map(payloadType))).toEqual(new Set([0]))
  const first = sequenceNumber(heard[0] ?? Buffer.alloc(12))
  const numbers = heard.map((packet) => (sequenceNumber(packet) - first + 65_536) % 65_536)
  expect(numbers).toEqual(heard.map((_packet, index) => index))
  // A sine of 440 Hz goes through many code words; something that was not decrypted would go through all of them.
  const words = new Set(heard.flatMap((packet) => [...packet.subarray(12)]))
  expect(words.size).toBeGreaterThan(20)
  expect(words.size).toBeLessThan(240)
}

/** With what the peer wrote when something goes wrong. */
async function explained(peer: Baresip, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (cause) {
    throw new Error(peer.log(), { cause })
  }
}

const kinds: ReadonlyArray<[string, Kind, Parameters<typeof shows>[0]]> = [
  ['DTLS', { dtls: true, ice: undefined }, { baresip: ['policy-dtls'] }],
  ['full ICE', { dtls: false, ice: 'Full' }, { baresip: ['ice-full'] }],
  ['DTLS over full ICE', { dtls: true, ice: 'Full' }, { baresip: ['policy-dtls', 'ice-full'] }],
  ['DTLS over ICE, lite on our side', { dtls: true, ice: 'Lite' }, { baresip: ['policy-dtls', 'ice-lite'] }],
]

function optionsOf({ dtls, ice }: Kind) {
  return { ice: ice !== undefined, ...(dtls && { encryption: 'dtls_srtp' as const }) }
}

// It reports every 5 s: so long each of them waits.
describe.concurrent.each(kinds)('%s', (_name, kind, shown) => {
  test('called by us', shows(shown), async () => {
    await using peer = await baresip(optionsOf(kind))
    await using ours = await openPath(kind, kind.ice === 'Full')
    await using engine = await agents.engine()
    await explained(peer, async () => {
      const offer = writeDescription(makeOffer(ours.session))
      const call = await agents.answered(engine.invite({ ...agents.invitation(agents.direct(peer), 'baresip'), offer }))
      expect(parsed(call.sdp).media.setup).toBe(kind.dtls ? 'active' : undefined)
      const outcome = await ours.path.connect(remoteOf(call.sdp, kind.dtls ? 'Server' : undefined), TIMEOUT)
      expectTalk(await talk(ours.path, outcome))
      expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
    })
  })

  // Both roles in one of them: what carries the handshake does not know of it.
  test.each(kind.ice ? (['passive'] as const) : (['active', 'passive'] as const))(
    'it calls us: we are %s',
    shows(shown),
    async (setup) => {
      await using peer = await baresip(optionsOf(kind))
      await using ours = await openPath(kind, false)
      await using engine = await agents.engine()
      await explained(peer, async () => {
        const next = agents.nextCall(engine, 'alice')
        await peer.command('dial', `sip:alice@127.0.0.1:${engine.ports.UDP}`)
        const incoming = await next
        const offer = parsed(incoming.sdp)
        const { description } = makeAnswer(offer.description, { ...ours.session, media: [{ ...ours.media, setup }] })
        const call = await incoming.answer(writeDescription(description))
        const side = setup === 'active' ? 'Client' : 'Server'
        const outcome = await ours.path.connect(remoteOf(incoming.sdp, kind.dtls ? side : undefined), TIMEOUT)
        expectTalk(await talk(ours.path, outcome))
        expect(await call?.bye()).toEqual({ kind: 'Done', code: 200 })
      })
    },
  )
})

test('a fingerprint that is not that of its certificate: the handshake fails by name', async () => {
  await using peer = await baresip({ encryption: 'dtls_srtp' })
  await using ours = await openPath({ dtls: true, ice: undefined }, false)
  await using engine = await agents.engine()
  const offer = writeDescription(makeOffer(ours.session))
  const call = await agents.answered(engine.invite({ ...agents.invitation(agents.direct(peer), 'baresip'), offer }))
  const remote = remoteOf(call.sdp, undefined)
  const dtls = { side: 'Server' as const, fingerprints: [certificate.fingerprint] }
  const outcome = await ours.path.connect({ ...remote, dtls }, TIMEOUT)
  expect(outcome).toMatchObject({ kind: 'Failed', stage: 'DTLS', reason: 'FingerprintMismatch' })
  await call.bye()
})
