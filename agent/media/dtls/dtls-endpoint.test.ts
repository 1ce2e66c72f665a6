import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../lib/clock.ts'
import { ManualClock } from '../../../lib/manual-clock.ts'
import { seededRandom } from '../../../lib/random.ts'
import { rtcpPacket, rtpPacket } from '../srtp/packets.fixture.ts'
import { MOST_OVERHEAD } from '../srtp/index.ts'
import { createCertificate, type DtlsCertificate, DtlsEndpoint, type DtlsOptions, type SrtpContexts } from './index.ts'

const [ours, theirs] = [await createCertificate(systemClock), await createCertificate(systemClock)]

interface Wiring {
  client?: Partial<DtlsOptions>
  server?: Partial<DtlsOptions>
  /** What the wire does to a datagram; empty: it is lost. Default: nothing. */
  wire?: (datagram: Buffer, from: 'Client' | 'Server') => Buffer[]
}

/** Client and server of ours on a wire of memory. */
function pair({ client = {}, server = {}, wire = (datagram) => [datagram] }: Wiring = {}) {
  const common = { clock: systemClock, timeout: 20_000 }
  const ends: { client?: DtlsEndpoint; server: DtlsEndpoint } = {
    server: new DtlsEndpoint({
      ...{ ...common, side: 'Server', certificate: theirs, fingerprints: [ours.fingerprint] },
      send: (datagram) => wire(datagram, 'Server').forEach((each) => queueMicrotask(() => ends.client?.receive(each))),
      ...server,
    }),
  }
  const begin = (other: Partial<DtlsOptions>) =>
    new DtlsEndpoint({
      ...{ ...common, side: 'Client', certificate: ours, fingerprints: [theirs.fingerprint] },
      send: (datagram) => wire(datagram, 'Client').forEach((each) => queueMicrotask(() => ends.server.receive(each))),
      ...other,
    })
  const first = begin(client)
  ends.client = first
  return {
    client: first,
    server: ends.server,
    /** A new client in the place of the one that is there. */
    again: (other: Partial<DtlsOptions> = {}) => (ends.client = begin(other)),
    async [Symbol.asyncDispose]() {
      const all = [first, ends.client ?? first, ends.server]
      await Promise.all(all.map((end) => end[Symbol.asyncDispose]()))
    },
  }
}

/** The keys of an end, or why there are none. */
async function keysOf(end: DtlsEndpoint): Promise<SrtpContexts> {
  const outcome = await end.outcome
  if (outcome.kind === 'Failed') throw new Error(`${outcome.reason}: ${outcome.detail}`)
  return outcome.contexts
}

let packets = 0

function expectHeard(from: SrtpContexts, to: SrtpContexts): void {
  const [packet, report] = [rtpPacket(0xcafe_babe, packets++), rtcpPacket(0xcafe_babe)]
  const sealed = from.sender.protectRtp(packet, Buffer.alloc(packet.length + MOST_OVERHEAD))
  expect(sealed?.kind === 'Ok' && to.receiver.unprotectRtp(sealed.packet)).toEqual({ kind: 'Ok', packet })
  const reported = from.sender.protectRtcp(report)
  expect(reported?.kind === 'Ok' && to.receiver.unprotectRtcp(reported.packet)).toEqual({ kind: 'Ok', packet: report })
}

test('both ends have each other’s keys, with the suite that is preferred', async () => {
  await using ends = pair()
  const [client, server] = await Promise.all([keysOf(ends.client), keysOf(ends.server)])
  expect([client.suite, server.suite]).toEqual(['AEAD_AES_128_GCM', 'AEAD_AES_128_GCM'])
  expectHeard(client, server)
  expectHeard(server, client)
  expect([ends.client.rehandshakes, ends.server.rehandshakes]).toEqual([0, 0])
  expect(await ends.client.outcome).toMatchObject({ handshakeTime: expect.any(Number) })
})

test('a wire that doubles every datagram is no second handshake', async () => {
  await using ends = pair({ wire: (datagram) => [Buffer.from(datagram), datagram] })
  const [client, server] = await Promise.all([keysOf(ends.client), keysOf(ends.server)])
  expectHeard(client, server)
  expectHeard(server, client)
  expect([ends.client.rehandshakes, ends.server.rehandshakes]).toEqual([0, 0])
})

test('a wire that loses the first datagram each way and the first Finished', async () => {
  const seen = { Client: 0, Server: 0 }
  // Of the server: HelloVerifyRequest, five messages of its hello, ChangeCipherSpec, Finished.
  const lost = { Client: [0], Server: [0, 7] }
  await using ends = pair({ wire: (datagram, from) => (lost[from].includes(seen[from]++) ? [] : [datagram]) })
  const [client, server] = await Promise.all([keysOf(ends.client), keysOf(ends.server)])
  expectHeard(client, server)
  expectHeard(server, client)
})

test('a peer that begins again has new keys, and the handshake is counted', async () => {
  const { promise: rekeyed, resolve } = Promise.withResolvers<SrtpContexts>()
  await using ends = pair({ server: { rekeyed: resolve } })
  const before = await keysOf(ends.server)
  await ends.client.outcome
  const [second, server] = await Promise.all([keysOf(ends.again()), rekeyed])
  expect(server).not.toBe(before)
  expectHeard(second, server)
  expectHeard(server, second)
  expect(ends.server.rehandshakes).toBe(1)
})

test('one that begins again with another certificate changes nothing', async () => {
  const rekeyed: SrtpContexts[] = []
  await using ends = pair({ server: { rekeyed: (contexts) => rekeyed.push(contexts) } })
  await Promise.all([ends.client.outcome, ends.server.outcome])
  const certificate = await createCertificate(systemClock)
  expect((await ends.again({ certificate }).outcome).kind).toBe('Established')
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect([rekeyed, ends.server.rehandshakes]).toEqual([[], 0])
})

describe('who is not who it says', () => {
  const stolen: DtlsCertificate = { ...theirs, key: ours.key }

  test('another certificate than the one signalled, at either end', async () => {
    await using ends = pair({ client: { fingerprints: [ours.fingerprint] }, server: { fingerprints: [] } })
    for (const outcome of [await ends.client.outcome, await ends.server.outcome]) {
      expect(outcome).toMatchObject({ kind: 'Failed', reason: 'FingerprintMismatch' })
    }
  })

  test('a server that shows a certificate whose key it does not have', async () => {
    await using ends = pair({ server: { certificate: stolen } })
    expect(await ends.client.outcome).toMatchObject({
      reason: 'NotProven',
      detail: 'the signature is not of the certificate',
    })
  })

  test('a client that does', async () => {
    await using ends = pair({ client: { certificate: stolen }, server: { fingerprints: [theirs.fingerprint] } })
    expect(await ends.server.outcome).toMatchObject({
      reason: 'NotProven',
      detail: 'the signature is not of the certificate',
    })
  })

  test('a fingerprint by a hash that is broken is none, and one of several is enough', async () => {
    const others = [{ algorithm: 'md5', value: '00' }, ours.fingerprint, theirs.fingerprint]
    await using ends = pair({ client: { fingerprints: others } })
    expect((await ends.client.outcome).kind).toBe('Established')
  })
})

describe('no handshake', () => {
  test('nobody answers', async () => {
    const clock = new ManualClock()
    await using ends = pair({ client: { clock, timeout: 5_000 }, wire: () => [] })
    await clock.advance(5_000)
    expect(await ends.client.outcome).toEqual({
      kind: 'Failed',
      reason: 'Timeout',
      detail: '5000 ms',
      handshakeTime: 5_000,
    })
  })

  test('the peer gives up and says why', async () => {
    await using ends = pair({ wire: () => [] })
    //                                 alert, DTLS 1.2, epoch, sequence number, length, fatal handshake_failure
    ends.client.receive(Buffer.from('15 fefd 0000 000000000001 0002 0228'.replaceAll(' ', ''), 'hex'))
    expect(await ends.client.outcome).toMatchObject({ reason: 'Alert', detail: 'handshake_failure' })
  })

  test('a server that knows no cipher suite of the client says so in the end', async () => {
    const clock = new ManualClock()
    await using ends = pair({
      server: { clock },
      wire: (datagram, from) => {
        const hello = datagram.indexOf('c02bc02f', 'hex')
        if (from === 'Client' && hello >= 0) datagram.write('c0ffc0fe', hello, 'hex')
        return [datagram]
      },
    })
    await clock.advance(20_000)
    expect(await ends.server.outcome).toMatchObject({
      reason: 'Protocol',
      detail: 'dtls cipher suite negotiation failed',
    })
  })

  test('ended by us', async () => {
    const ends = pair({ wire: () => [] })
    await ends[Symbol.asyncDispose]()
    expect(await ends.client.outcome).toMatchObject({ kind: 'Failed', reason: 'Stopped' })
    expect(await ends.server.outcome).toMatchObject({ kind: 'Failed', reason: 'Stopped' })
  })

  test('what is cut off or was never DTLS is as good as lost', async () => {
    await using ends = pair()
    for (let length = 0; length < 40; length++) {
      ends.server.receive(Buffer.alloc(length, 22))
      ends.client.receive(Buffer.alloc(length, 21))
    }
    expect((await ends.client.outcome).kind).toBe('Established')
  })
})

test('20,000 datagrams of a handshake with octets changed: nothing escapes, and nothing is believed', async () => {
  const recorded: Buffer[] = []
  {
    await using ends = pair({
      wire: (datagram) => {
        recorded.push(Buffer.from(datagram))
        return [datagram]
      },
    })
    await Promise.all([ends.client.outcome, ends.server.outcome])
  }
  const random = seededRandom(5)
  const below = (limit: number) => Math.floor(random() * limit)
  const all = Array.from({ length: 100 }, () => pair({ wire: () => [] }))
  for (const ends of all) {
    for (let index = 0; index < 100; index++) {
      const datagram = Buffer.from(recorded[below(recorded.length)] ?? [])
      for (let change = below(4); change > 0; change--) datagram[below(datagram.length)] = below(256)
      const cut = datagram.subarray(0, below(8) === 0 ? below(datagram.length) : datagram.length)
      ends.client.receive(Buffer.from(cut))
      ends.server.receive(cut)
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(all.map((ends) => ends[Symbol.asyncDispose]()))
  const outcomes = await Promise.all(all.flatMap(({ client, server }) => [client.outcome, server.outcome]))
  expect(outcomes.filter(({ kind }) => kind === 'Established')).toEqual([])
})
