import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { MediaSession } from '../media/index.ts'
import { createRig } from './rig.fixture.ts'
import type { Rig } from './rig.fixture.ts'

let rig: Rig
beforeEach(async () => {
  rig = await createRig()
})
afterEach(() => rig[Symbol.asyncDispose]())

const received = (session: MediaSession): number => session.report().packetsReceived
const packets = () => rig.record().flatMap((line) => ('event' in line ? [] : [line]))
const hasEnded = () => rig.record().some((line) => 'event' in line && line.event === 'CallEnded')

describe('rejections', () => {
  test.each([
    ['busy', 486],
    ['reject-503', 503],
    ['reject-302', 302],
    ['reject-603', 603],
    ['reject-200', 404],
    ['somebody', 404],
  ])('%s gets %i', async (user, code) => {
    await rig.start()
    expect(await (await rig.dial(user)).outcome).toMatchObject({ kind: 'Rejected', code })
  })

  test('an offer of nothing that it can gets 488', async () => {
    await rig.start()
    const { outcome } = rig.engine.invite({
      ...rig.request(),
      target: 'sip:echo@127.0.0.1',
      offer: [
        'v=0',
        'o=- 1 1 IN IP4 127.0.0.1',
        's=-',
        'c=IN IP4 127.0.0.1',
        't=0 0',
        'm=audio 4000 RTP/AVP 18',
        '',
      ].join('\r\n'),
    })
    expect(await outcome).toMatchObject({ kind: 'Rejected', code: 488 })
  })

  test('a call above the limit gets 503, and room is made by one that ends', async () => {
    await rig.start({ mostCalls: 1 })
    const first = await rig.call('echo')
    expect(await (await rig.dial('echo')).outcome).toMatchObject({ kind: 'Rejected', code: 503 })
    await first.call.bye()
    await expect.poll(async () => (await (await rig.dial('echo')).outcome).kind).toBe('Answered')
  })
})

describe('ringing', () => {
  test('ring-5s rings at once and answers after five seconds, not before', async () => {
    await rig.start()
    const { provisional, outcome } = await rig.dial('ring-5s')
    await expect.poll(() => provisional).toEqual([180])
    await rig.time.advance(4_999)
    await rig.settled()
    expect(await Promise.race([outcome, Promise.resolve('ringing')])).toBe('ringing')
    await rig.time.advance(1)
    expect((await outcome).kind).toBe('Answered')
    expect(provisional).toEqual([180])
  })

  test('late-180 says 100 at once, 180 after four seconds, 200 a second later', async () => {
    await rig.start()
    const { provisional, outcome } = await rig.dial('late-180')
    await expect.poll(() => provisional).toEqual([100])
    await rig.time.advance(3_999)
    await rig.settled()
    expect(provisional).toEqual([100])
    await rig.time.advance(1)
    await expect.poll(() => provisional).toEqual([100, 180])
    await rig.time.advance(999)
    await rig.settled()
    expect(await Promise.race([outcome, Promise.resolve('ringing')])).toBe('ringing')
    await rig.time.advance(1)
    expect((await outcome).kind).toBe('Answered')
  })

  test('noanswer rings once, and ends when the caller gives up', async () => {
    await rig.start()
    const { provisional, outcome, cancel } = await rig.dial('noanswer')
    await expect.poll(() => provisional).toEqual([180])
    await rig.time.advance(170_000)
    await rig.settled()
    expect(provisional).toEqual([180])
    cancel()
    expect((await outcome).kind).toBe('Aborted')
  })

  test('drop says nothing, not even 100, nor to a retransmission and to CANCEL', async () => {
    await rig.start()
    const { provisional, outcome, cancel } = await rig.dial('drop')
    await rig.settled()
    await rig.time.advance(1_000)
    await rig.settled()
    expect(provisional).toEqual([])
    cancel()
    expect((await outcome).kind).toBe('Aborted')
    const answers = [...rig.engine.counters.messages.keys()].filter((key) => /^In INVITE \dxx$/.test(key))
    expect(answers).toEqual([])
  })

  test('a caller that hangs up while it rings leaves nothing behind', async () => {
    const responder = await rig.start()
    const { outcome, cancel, provisional } = await rig.dial('ring-60s')
    await expect.poll(() => provisional).toEqual([180])
    cancel()
    expect((await outcome).kind).toBe('Aborted')
    await rig.time.advance(120_000)
    await rig.settled()
    await responder[Symbol.asyncDispose]()
    expect(rig.time.waiting).toBe(0)
  })
})

describe('what is heard', () => {
  test('echo gives back each packet as it came', async () => {
    await rig.start({ record: rig.recordFile })
    const { session, call: up, callId } = await rig.call('echo')
    await rig.speak(50)
    await expect.poll(() => received(session)).toBe(session.report().packetsSent)
    const sent = session.report().packetsSent
    expect(session.report().metrics).toMatchObject({ packetsLost: 0, outOfOrder: 0, duplicates: 0 })
    await up.bye()
    await expect.poll(() => rig.record().length).toBe(sent + 2)
    expect(rig.record()[0]).toMatchObject({ event: 'CallStarted', callId, user: 'echo', direction: 'Incoming' })
    expect(rig.record().at(-1)).toMatchObject({
      event: 'CallEnded',
      callId,
      by: 'Remote',
      packets: { received: sent, echoed: sent, dropped: 0 },
    })
    const numbers = packets().map(({ sequenceNumber }) => sequenceNumber)
    expect(numbers).toEqual(numbers.map((_, index) => ((numbers[0] ?? 0) + index) & 0xffff))
    for (const { receivedAt, sentAt = 0 } of packets()) expect(sentAt).toBeGreaterThanOrEqual(receivedAt)
  })

  test('loss-5 loses what its record says, one of each twenty after the first', async () => {
    await rig.start({ record: rig.recordFile })
    const { session, call: up } = await rig.call('loss-5')
    await rig.speak(201)
    await expect.poll(() => session.report().packetsSent).toBeGreaterThan(200)
    await rig.settled()
    await up.bye()
    await expect.poll(() => hasEnded()).toBe(true)
    const lines = packets()
    expect(lines[0]?.action).toBe('Echoed')
    for (let start = 1; start + 20 < lines.length; start += 20) {
      expect(lines.slice(start, start + 20).filter(({ action }) => action === 'Dropped')).toHaveLength(1)
    }
    // Packet for packet over the window received: what was echoed came, in order, and what was dropped between did not.
    const window = lines.slice(0, nthEchoed(lines, received(session)))
    expect(session.report().metrics.packetsLost).toBe(window.filter(({ action }) => action === 'Dropped').length)
  })

  test('loss-100 spares the first and the last packet', async () => {
    await rig.start({ record: rig.recordFile })
    const { session, call: up } = await rig.call('loss-100')
    await rig.speak(30)
    await expect.poll(() => session.report().packetsSent).toBeGreaterThan(20)
    await rig.settled()
    await up.bye()
    await expect.poll(() => hasEnded()).toBe(true)
    const actions = packets()
      .toSorted((left, right) => left.receivedAt - right.receivedAt)
      .map(({ action }) => action)
    expect(actions.at(0)).toBe('Echoed')
    expect(actions.at(-1)).toBe('Echoed')
    expect(new Set(actions.slice(1, -1))).toEqual(new Set(['Dropped']))
  })

  test.each(['tone', 'silence'])('%s is sent without being asked', async (user) => {
    await rig.start()
    const { session } = await rig.call(user)
    await rig.hear(50)
    await expect.poll(() => received(session)).toBeGreaterThanOrEqual(49)
  })
})

/** How many lines there are up to the n-th echoed packet. */
function nthEchoed(lines: ReadonlyArray<{ action: string }>, count: number): number {
  let seen = 0
  return 1 + lines.findIndex(({ action }) => action === 'Echoed' && ++seen === count)
}

describe('how a call ends', () => {
  test('hangup-3s hangs up after three seconds, not before', async () => {
    await rig.start()
    const { call: up } = await rig.call('hangup-3s')
    await rig.settled()
    await rig.time.advance(2_999)
    await rig.settled()
    expect(await Promise.race([up.ended, Promise.resolve('up')])).toBe('up')
    await rig.time.advance(1)
    expect(await up.ended).toMatchObject({ by: 'Remote' })
  })

  test('no call is longer than an hour', async () => {
    await rig.start()
    const { call: up } = await rig.call('echo')
    await rig.settled()
    await rig.time.advance(3_600_000)
    expect(await up.ended).toMatchObject({ by: 'Remote' })
  })

  test('an answer in the ACK with nothing that it can is the end at once', async () => {
    await rig.start()
    const refusing = (offer: string) => offer.replace(/m=audio \d+/, 'm=audio 0')
    const { outcome } = rig.engine.invite({
      ...rig.request(),
      ...{ signal: new AbortController().signal, target: 'sip:echo@127.0.0.1', onOffer: refusing },
    })
    const answered = await outcome
    if (answered.kind !== 'Answered') throw new Error(answered.kind)
    expect(await answered.call.ended).toMatchObject({ by: 'Remote' })
  })

  test('stopping hangs up, refuses those that ring, writes the record, and leaves no timer', async () => {
    const responder = await rig.start({ record: rig.recordFile })
    const up = await rig.call('echo')
    const ringing = await rig.dial('noanswer')
    await expect.poll(() => ringing.provisional).toEqual([180])
    await responder[Symbol.asyncDispose]()
    expect(await up.call.ended).toMatchObject({ by: 'Remote' })
    expect(await ringing.outcome).toMatchObject({ kind: 'Rejected', code: 480 })
    expect(rig.record().at(-1)).toMatchObject({ event: 'CallEnded', callId: up.callId, by: 'Local' })
    expect(rig.time.waiting).toBe(0)
  })

  test('a port that is in use is an error that names it', async () => {
    const { port } = await rig.start()
    await expect(rig.start({ listen: { host: '127.0.0.1', port } })).rejects.toThrow(String(port))
  })
})
