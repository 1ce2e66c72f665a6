import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { certificates, connect, type End, open, remoteOf } from './negotiated-path.fixture.ts'
import type { PathOutcome } from './negotiated-path.ts'
import { MOST_OVERHEAD } from './srtp/index.ts'
import { rtcpPacket, rtpPacket } from './srtp/packets.fixture.ts'

/** 20 RTP packets and a report go from one to the other, under the keys that both have, and arrive whole and in their order. */
async function expectCarried(from: [End, PathOutcome], to: [End, PathOutcome]): Promise<void> {
  const [sender, sent] = from
  const [receiver, received] = to
  if (sent.kind !== 'Connected' || received.kind !== 'Connected') throw new Error(JSON.stringify([sent, received]))
  const begun = systemClock.monotonic()
  const arrivals: Array<{ kind: string; packet: Buffer; at: number; port: number }> = []
  const all = Promise.withResolvers<void>()
  receiver.path.listen((kind, packet, at, { port }) => {
    arrivals.push({ kind, packet, at, port })
    if (arrivals.length === 21) all.resolve()
  })
  const packets = Array.from({ length: 20 }, (_, index) => rtpPacket(0xcafe_babe, index, 160))
  const report = rtcpPacket(0xcafe_babe)
  for (const packet of packets) {
    const sealed = sent.contexts?.sender.protectRtp(packet, Buffer.alloc(packet.length + MOST_OVERHEAD))
    sender.path.send('RTP', sealed?.kind === 'Ok' ? sealed.packet : packet)
  }
  const sealed = sent.contexts?.sender.protectRtcp(report)
  sender.path.send('RTCP', sealed?.kind === 'Ok' ? sealed.packet : report)
  await all.promise
  const opened = arrivals.map(({ kind, packet }) => {
    if (!received.contexts) return packet
    const { receiver: keys } = received.contexts
    const outcome = kind === 'RTP' ? keys.unprotectRtp(packet) : keys.unprotectRtcp(packet)
    return outcome.kind === 'Ok' ? outcome.packet : outcome.reason
  })
  expect(opened).toEqual([...packets, report])
  expect(arrivals.map(({ kind }) => kind)).toEqual([...packets.map(() => 'RTP'), 'RTCP'])
  expect(new Set(arrivals.map(({ port }) => port))).toEqual(new Set([sender.port]))
  expect(arrivals.every(({ at }) => at >= begun && at <= systemClock.monotonic())).toBe(true)
}

describe.each([
  ['no ICE', undefined, undefined],
  ['ICE full and full', 'Full', 'Full'],
  ['ICE full and lite', 'Full', 'Lite'],
  ['ICE lite and full', 'Lite', 'Full'],
  ['ICE full, with a peer that has none', 'Full', undefined],
] as const)('%s', (_name, offers, answers) => {
  test('DTLS: RTP and RTCP go both ways under its keys', async () => {
    await using offerer = await open('offerer', offers)
    await using answerer = await open('answerer', answers)
    const [offered, answered] = await connect(offerer, answerer)
    await expectCarried([offerer, offered], [answerer, answered])
    await expectCarried([answerer, answered], [offerer, offered])
    expect(offered).toMatchObject({
      contexts: { suite: 'AEAD_AES_128_GCM' },
      times: { handshakeTime: expect.any(Number) },
    })
    expect([offerer.path.refused, answerer.path.refused]).toEqual([0, 0])
  })

  test('not encrypted', async () => {
    await using offerer = await open('offerer', offers)
    await using answerer = await open('answerer', answers)
    const [offered, answered] = await connect(offerer, answerer, false)
    await expectCarried([offerer, offered], [answerer, answered])
    await expectCarried([answerer, answered], [offerer, offered])
  })
})

test('a handshake that begins before we know of the peer is not lost', async () => {
  await using offerer = await open('offerer')
  await using answerer = await open('answerer')
  const client = { side: 'Client' as const, fingerprints: [certificates.offerer.fingerprint] }
  const early = answerer.path.connect(remoteOf(offerer, client), 20_000)
  await once(offerer.socket, 'message')
  const server = { side: 'Server' as const, fingerprints: [certificates.answerer.fingerprint] }
  const outcome = await offerer.path.connect(remoteOf(answerer, server), 20_000)
  expect([outcome.kind, (await early).kind]).toEqual(['Connected', 'Connected'])
})

test('a peer behind a NAT is reached where its handshake comes from', async () => {
  await using offerer = await open('offerer')
  await using answerer = await open('answerer')
  const server = { side: 'Server' as const, fingerprints: [certificates.answerer.fingerprint] }
  const client = { side: 'Client' as const, fingerprints: [certificates.offerer.fingerprint] }
  const [offered, answered] = await Promise.all([
    offerer.path.connect({ ...remoteOf(answerer, server), port: 9 }, 20_000),
    answerer.path.connect(remoteOf(offerer, client), 20_000),
  ])
  await expectCarried([offerer, offered], [answerer, answered])
})

describe('what fails names its stage', () => {
  test('ICE', async () => {
    await using offerer = await open('offerer', 'Full')
    const ice = { ufrag: 'abcd', pwd: 'x'.repeat(22), lite: true, candidates: [] }
    const outcome = await offerer.path.connect({ host: '127.0.0.1', port: 9, ice }, 20_000)
    expect(outcome).toMatchObject({
      kind: 'Failed',
      stage: 'ICE',
      reason: 'NoCandidatePair',
      times: { connectTime: expect.any(Number) },
    })
  })

  test('DTLS', async () => {
    await using offerer = await open('offerer', 'Full')
    await using answerer = await open('answerer', 'Full', { certificate: certificates.offerer })
    const [outcome] = await connect(offerer, answerer)
    expect(outcome).toMatchObject({ kind: 'Failed', stage: 'DTLS', reason: 'FingerprintMismatch' })
  })
})

test('a stranger is not heard, whatever it sends', async () => {
  await using offerer = await open('offerer', 'Full')
  await using answerer = await open('answerer', 'Full')
  await connect(offerer, answerer)
  const heard: Buffer[] = []
  offerer.path.listen((_kind, packet) => heard.push(packet))
  await using stranger = await open('answerer')
  const hello = Buffer.from('16fefd0000000000000000000000', 'hex')
  const stun = Buffer.from('000100002112a442000000000000000000000000', 'hex')
  for (const datagram of [rtpPacket(1, 1), rtcpPacket(1), hello, stun, Buffer.from('text')]) {
    stranger.socket.send(datagram, offerer.port, '127.0.0.1')
  }
  await expect.poll(() => offerer.path.refused).toBe(5)
  expect(heard).toEqual([])
})

test('when all is disposed of, nothing keeps the process', async () => {
  const program = `
    import { connect, open } from './negotiated-path.fixture.ts'
    {
      await using offerer = await open('offerer', 'Full')
      await using answerer = await open('answerer', 'Lite')
      for (const { kind } of await connect(offerer, answerer)) console.log(kind)
    }
    console.log('timers:', process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { cwd: import.meta.dirname })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)))
  const [code] = await once(child, 'close')
  expect([output, code]).toEqual(['Connected\nConnected\ntimers: 0\n', 0])
})
