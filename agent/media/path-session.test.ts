/** Sessions over ICE and DTLS on the loopback: they do what sessions over a pair of ports do, and nothing is left of them. */
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { createCertificate } from './dtls/index.ts'
import type { MediaSession, StartOptions } from './index.ts'
import { HOST, engine, open, options, rawPeer, until } from './loopback.ts'
import type { NegotiatedPath, PathOutcome, RemotePath } from './negotiated-path.ts'

const certificates = { caller: await createCertificate(systemClock), callee: await createCertificate(systemClock) }
type Side = keyof typeof certificates

interface End {
  session: MediaSession
  path: NegotiatedPath
}

async function end(session: MediaSession, name: Side, ice: boolean, encrypted: boolean): Promise<End> {
  const path = await session.negotiatePath({
    ...(ice && {
      ice: { mode: 'Full' as const, controlling: name === 'caller', stun: [], turn: [], candidates: 'All' as const },
    }),
    ...(encrypted && { certificate: certificates[name] }),
  })
  await path.gather()
  return { session, path }
}

/** As the peer describes itself. */
function described({ session, path }: End, name: Side, encrypted: boolean): RemotePath {
  const dtls = {
    side: name === 'callee' ? 'Server' : 'Client',
    fingerprints: [certificates[name].fingerprint],
  } as const
  return { host: HOST, port: session.rtpPort, ...(path.ice && { ice: path.ice }), ...(encrypted && { dtls }) }
}

/** The addresses in it do not matter. */
function start({ session }: End, outcome: PathOutcome, others: Partial<StartOptions>): void {
  if (outcome.kind !== 'Connected') throw new Error(outcome.detail)
  const { contexts } = outcome
  session.start({
    ...options(session, { kind: 'Tone' }),
    remote: { host: '192.0.2.1', rtpPort: 0, rtcpPort: 0 },
    ...others,
    ...(contexts && { protection: contexts }),
  })
}

describe.concurrent.each([
  ['ICE and DTLS', true, true],
  ['ICE alone', true, false],
  ['DTLS alone', false, true],
] as const)('%s', (_, ice, encrypted) => {
  test('sound and reports go both ways, digits too, and a hold holds', async () => {
    await using media = engine(31)
    const caller = await end(await open(media), 'caller', ice, encrypted)
    const callee = await end(await open(media), 'callee', ice, encrypted)
    const [called, answered] = await Promise.all([
      caller.path.connect(described(callee, 'callee', encrypted), 15_000),
      callee.path.connect(described(caller, 'caller', encrypted), 15_000),
    ])
    start(caller, called, { telephoneEvent: 101, analysis: 'On' })
    start(callee, answered, { telephoneEvent: 101, source: { kind: 'Speech', role: 'Callee' } })
    caller.session.sendDigits('7', { duration: 60, gap: 60 })
    await until(
      () => caller.session.report().packetsReceived >= 150 && caller.session.report().metrics.rtt !== undefined,
    )
    const { metrics, remoteProgress } = caller.session.report()
    expect(metrics).toMatchObject({ packetsLost: 0, remotePacketLoss: 0, ssrcSwitches: 0 })
    expect(remoteProgress).toBeGreaterThan(0)
    expect(metrics.srtpFailures).toBe(encrypted ? 0 : undefined)
    expect(metrics.dtlsRehandshakes).toBe(encrypted ? 0 : undefined)
    expect(callee.session.report().digits).toMatchObject([{ digit: '7', complete: true }])
    const terms = { ...options(callee.session, { kind: 'Tone' }), sending: false, receiving: true }
    caller.session.renegotiate(terms)
    const count = caller.session.report().packetsSent
    const heard = caller.session.report().packetsReceived
    await until(() => caller.session.report().packetsReceived > heard + 5)
    expect(caller.session.report().packetsSent).toBe(count)
    caller.session.stop()
    await caller.session.analyse()
    expect(caller.session.report().findings).toEqual([])
    expect(caller.session.report().metrics.audioLevel).toBeGreaterThan(-30)
    expect(media.gauges.sendErrors).toBe(0)
  })
})

test('who is not the peer of the path is not heard', async () => {
  await using stranger = await rawPeer()
  await using media = engine(32)
  const caller = await end(await open(media), 'caller', true, true)
  const callee = await end(await open(media), 'callee', true, true)
  const [called, answered] = await Promise.all([
    caller.path.connect(described(callee, 'callee', true), 15_000),
    callee.path.connect(described(caller, 'caller', true), 15_000),
  ])
  start(caller, called, {})
  start(callee, answered, {})
  await until(() => caller.session.report().packetsReceived >= 10)
  const before = caller.path.refused
  for (let count = 0; count < 3; count++) stranger.rtp.send(Buffer.alloc(172, 0x80), caller.session.rtpPort, HOST)
  await until(() => caller.path.refused === before + 3)
  expect(caller.session.report().metrics).toMatchObject({ srtpFailures: 0, ssrcSwitches: 0 })
})

test('a path is found once, before the start; disposing frees the ports, also of one that was never connected', async () => {
  await using media = engine(33)
  const session = await open(media)
  const running = await open(media)
  running.start(options(session, { kind: 'Silence' }))
  await expect(running.negotiatePath({})).rejects.toThrow('before the start')
  await session.negotiatePath({ certificate: certificates.caller })
  await expect(session.negotiatePath({})).rejects.toThrow('before the start')
  await session[Symbol.asyncDispose]()
  await running[Symbol.asyncDispose]()
  expect(media.gauges.portsUsed).toBe(0)
})
