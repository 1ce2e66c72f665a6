import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ManualClock } from '../../../lib/manual-clock.ts'
import { seededRandom } from '../../../lib/random.ts'
import { type End, end } from './end.fixture.ts'
import type { IceDescription, IceOutcome } from './index.ts'

/** Both gather, tell each other, and connect at the same time. */
async function connect(offerer: End, answerer: End, timeout = 10_000): Promise<[IceOutcome, IceOutcome]> {
  await Promise.all([offerer.agent.gather(), answerer.agent.gather()])
  return await Promise.all([
    offerer.agent.connect(answerer.agent.local, timeout),
    answerer.agent.connect(offerer.agent.local, timeout),
  ])
}

async function expectTalk(from: End, outcome: IceOutcome, to: End): Promise<void> {
  if (outcome.kind !== 'Connected') throw new Error(`${outcome.reason}: ${outcome.detail}`)
  const text = `media of ${from.port}`
  outcome.pair.send(Buffer.from(text))
  await expect.poll(() => to.heard).toContainEqual([text, from.port])
  expect(to.agent.isPeer('127.0.0.1', from.port)).toBe(true)
}

describe('two agents on loopback', () => {
  test.each([
    ['full and full', 'Full', 'Full'],
    ['full and lite', 'Full', 'Lite'],
    ['lite and full', 'Lite', 'Full'],
    ['lite and lite', 'Lite', 'Lite'],
  ] as const)('%s: both select the same pair, and media goes both ways', async (_name, offers, answers) => {
    await using offerer = await end({ mode: offers, controlling: true })
    await using answerer = await end({ mode: answers })
    const [offered, answered] = await connect(offerer, answerer)
    await expectTalk(offerer, offered, answerer)
    await expectTalk(answerer, answered, offerer)
    expect(offered).toMatchObject({ pair: { remote: { port: answerer.port } }, connectTime: expect.any(Number) })
    expect(answered).toMatchObject({ pair: { remote: { port: offerer.port } } })
    expect([offerer.agent.refused, answerer.agent.refused]).toEqual([0, 0])
  })

  test('the checks of one come long before the other knows of it', async () => {
    await using offerer = await end({ controlling: true })
    await using answerer = await end()
    await Promise.all([offerer.agent.gather(), answerer.agent.gather()])
    const early = answerer.agent.connect(offerer.agent.local, 10_000)
    await once(offerer.socket, 'message')
    const offered = await offerer.agent.connect(answerer.agent.local, 10_000)
    await expectTalk(offerer, offered, answerer)
    await expectTalk(answerer, await early, offerer)
  })

  test('both think that they control: one gives way', async () => {
    await using offerer = await end({ controlling: true })
    await using answerer = await end({ controlling: true })
    const [offered, answered] = await connect(offerer, answerer)
    await expectTalk(offerer, offered, answerer)
    await expectTalk(answerer, answered, offerer)
  })

  test('IPv6', async () => {
    await using offerer = await end({ controlling: true }, '::1')
    await using answerer = await end({}, '::1')
    const [offered, answered] = await connect(offerer, answerer)
    expect([offered, answered]).toMatchObject([{ pair: { remote: { address: '::1' } } }, { kind: 'Connected' }])
  })

  test('IPv6 in the long form that a description may have', async () => {
    await using offerer = await end({ controlling: true }, '::1')
    await using answerer = await end({}, '::1')
    await Promise.all([offerer.agent.gather(), answerer.agent.gather()])
    const { local } = answerer.agent
    const long = { ...local, candidates: local.candidates.map((each) => ({ ...each, address: '0:0:0:0:0:0:0:1' })) }
    const answered = answerer.agent.connect(offerer.agent.local, 10_000)
    expect(await offerer.agent.connect(long, 10_000)).toMatchObject({ pair: { remote: { type: 'host' } } })
    await answered
  })

  test('a peer whose address was not signalled is found by its check', async () => {
    await using offerer = await end({ controlling: true })
    await using answerer = await end()
    await Promise.all([offerer.agent.gather(), answerer.agent.gather()])
    const [host] = offerer.agent.local.candidates
    if (!host) throw new Error('no candidate')
    const elsewhere: IceDescription = {
      ...offerer.agent.local,
      candidates: [
        { ...host, port: 9 },
        { ...host, address: 'a-name.local' },
      ],
    }
    const answered = answerer.agent.connect(elsewhere, 10_000)
    const offered = await offerer.agent.connect(answerer.agent.local, 10_000)
    expect(await answered).toMatchObject({ pair: { remote: { port: offerer.port, type: 'prflx' } } })
    await expectTalk(offerer, offered, answerer)
  })

  test.each([
    ['has names alone', [{ address: 'a-name.local' }]],
    ['has a name, and an address that we do not reach', [{ address: 'a-name.local' }, { address: '::1' }]],
    ['has said none', []],
  ])('a peer that %s is found by its check', async (_name, said) => {
    await using offerer = await end({ controlling: true })
    await using answerer = await end()
    await Promise.all([offerer.agent.gather(), answerer.agent.gather()])
    const { local } = offerer.agent
    const [host] = local.candidates
    if (!host) throw new Error('no candidate')
    const candidates = said.map((each) => ({ ...host, ...each }))
    const answered = answerer.agent.connect({ ...local, candidates }, 10_000)
    await new Promise((resolve) => setImmediate(resolve))
    const offered = await offerer.agent.connect(answerer.agent.local, 10_000)
    expect(await answered).toMatchObject({ pair: { remote: { port: offerer.port, type: 'prflx' } } })
    await expectTalk(offerer, offered, answerer)
  })
})

describe('no connection', () => {
  test('the peer has another password: each check is refused', async () => {
    await using offerer = await end({ controlling: true })
    await using answerer = await end()
    await Promise.all([offerer.agent.gather(), answerer.agent.gather()])
    const wrong = { ...answerer.agent.local, pwd: 'another-password-of-22-characters' }
    const failed = offerer.agent.connect(wrong, 400)
    expect(await failed).toMatchObject({
      kind: 'Failed',
      reason: 'Timeout',
      detail: '1 candidate pairs, 0 of them failed',
    })
    expect(answerer.agent.refused).toBeGreaterThan(0)
  })

  test('nobody is there', async () => {
    const clock = new ManualClock()
    await using alone = await end({ clock, controlling: true })
    await using nobody = await end()
    await Promise.all([alone.agent.gather(), nobody.agent.gather()])
    const { local } = nobody.agent
    await nobody.agent[Symbol.asyncDispose]()
    const outcome = alone.agent.connect(local, 20_000)
    for (let second = 0; second < 20; second++) await clock.advance(1_000)
    expect(await outcome).toEqual({
      ...{ kind: 'Failed', reason: 'ChecksFailed', detail: '1 candidate pairs, 1 of them failed', connectTime: 20_000 },
    })
  })

  test.each(['Lite', 'Full'] as const)('nothing of theirs can be reached by %s', async (mode) => {
    await using alone = await end({ mode, controlling: true })
    await alone.agent.gather()
    const [host] = alone.agent.local.candidates
    if (!host) throw new Error('no candidate')
    const strange = [
      { ...host, address: '::1' },
      { ...host, transport: 'tcp' },
      { ...host, component: 2 },
      { ...host, type: 'unheard-of' },
    ]
    const remote = { ufrag: 'abcd', pwd: 'x'.repeat(22), lite: true, candidates: strange }
    expect(await alone.agent.connect(remote, 10_000)).toMatchObject({ kind: 'Failed', reason: 'NoCandidatePair' })
  })

  test('nobody checks us, and there are names alone', async () => {
    const clock = new ManualClock()
    await using alone = await end({ clock, controlling: true })
    await alone.agent.gather()
    const remote = { ufrag: 'abcd', pwd: 'x'.repeat(22), lite: false, candidates: [] }
    const outcome = alone.agent.connect(remote, 10_000)
    await clock.advance(10_000)
    expect(await outcome).toMatchObject({ kind: 'Failed', reason: 'NoCandidatePair', connectTime: 10_000 })
  })

  test('a port that nobody can send to: a check that failed, of which nothing is left', async () => {
    const escaped: unknown[] = []
    const note = (error: unknown) => void escaped.push(error)
    process.on('unhandledRejection', note)
    {
      await using alone = await end({ controlling: true })
      await alone.agent.gather()
      const [host] = alone.agent.local.candidates
      if (!host) throw new Error('no candidate')
      const candidates = [{ ...host, port: 70_000 }]
      const remote = { ufrag: 'abcd', pwd: 'x'.repeat(22), lite: false, candidates }
      expect(await alone.agent.connect(remote, 400)).toMatchObject({ kind: 'Failed', reason: 'ChecksFailed' })
    }
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(escaped).toEqual([])
  })

  test('ended by us', async () => {
    const alone = await end({ mode: 'Lite' })
    await alone.agent.gather()
    const outcome = alone.agent.connect({ ufrag: 'abcd', pwd: 'x'.repeat(22), lite: false, candidates: [] }, 10_000)
    await alone[Symbol.asyncDispose]()
    expect(await outcome).toMatchObject({ kind: 'Failed', reason: 'Stopped' })
  })
})

describe('consent', () => {
  // werift sets its own timers for it.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }))
  afterEach(() => void vi.useRealTimers())

  /** Half a minute, with the time that loopback takes in between. */
  async function pass(): Promise<void> {
    for (let step = 0; step < 64; step++) {
      await vi.advanceTimersByTimeAsync(500)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  test('a peer that is there keeps it, and one that is gone for 30 s loses it: nothing is sent any more', async () => {
    await using offerer = await end({ controlling: true })
    await using answerer = await end()
    const [offered] = await connect(offerer, answerer)
    await pass()
    expect(offerer.lost).toBe(0)
    await answerer.agent[Symbol.asyncDispose]()
    await pass()
    expect(offerer.lost).toBe(1)
    if (offered.kind !== 'Connected') throw new Error(offered.reason)
    offered.pair.send(Buffer.from('after the end'))
    offered.pair.send(Buffer.from('after the end'))
    await new Promise((resolve) => setImmediate(resolve))
    expect(answerer.heard).toEqual([])
  })
})

describe('what is not authentic', () => {
  test('no octets make it throw, and they are counted', async () => {
    await using one = await end()
    await one.agent.gather()
    const random = seededRandom(7)
    for (let index = 0; index < 2_000; index++) {
      const datagram = Buffer.from(Array.from({ length: Math.floor(random() * 80) }, () => Math.floor(random() * 256)))
      if (index % 2 === 0 && datagram.length >= 8) datagram.write('0001002c2112a442', 'hex')
      one.agent.receive(datagram, '127.0.0.1', 9)
    }
    expect(one.agent.refused).toBe(2_000)
  })

  test('credentials are long enough and those of RFC 8839 5.4', async () => {
    await using one = await end()
    const { ufrag, pwd } = one.agent.local
    expect(ufrag).toMatch(/^[a-z0-9]{8}$/)
    expect(pwd).toMatch(/^[a-z0-9]{31}$/)
  })

  test('without a server nobody is asked', async () => {
    const sent: string[] = []
    await using one = await end({ send: (_datagram, host) => sent.push(host) })
    const { problems } = await one.agent.gather()
    expect([problems, sent]).toEqual([[], []])
    expect(one.agent.local.candidates).toMatchObject([
      { type: 'host', address: '127.0.0.1', port: one.port, component: 1 },
    ])
  })
})
