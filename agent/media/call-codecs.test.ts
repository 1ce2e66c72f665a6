/** Sessions in every codec over the loopback: what leaves is the source, in its clock, and digits go both ways beside it. */
import { describe, expect, test } from 'vitest'
import type { CodecName } from './codec/codec.ts'
import { CODECS } from './codec/codecs.ts'
import { DigitReceiver } from './codec/digit-receiver.ts'
import { share } from './codec/sound.fixture.ts'
import { engine, open, options, rawPeer, until } from './loopback.ts'
import { payloadType, sequenceNumber, timestamp } from './rtp.ts'

const FORMATS = [
  ['PCMA', 8, 20],
  ['PCMU', 0, 30],
  ['G722', 9, 20],
  ['opus', 111, 20],
  ['opus', 96, 60],
] as const satisfies ReadonlyArray<readonly [CodecName, number, number]>

describe.each(FORMATS)('in %s, payload type %i, packets of %i ms', (name, type, ptime) => {
  const codec = CODECS[name]
  const unit = (ptime * codec.clockRate) / 1000

  test('a peer hears the source, and its timestamps count in the clock of the codec', async () => {
    await using peer = await rawPeer()
    await using media = engine()
    const session = await open(media)
    const format = { codec: name, payloadType: type, ptime, source: { kind: 'Tone' } } as const
    media.prepare(format)
    session.start({ ...options(session, format.source), ...format, remote: peer.address })
    await until(() => peer.got.length * ptime >= 600)
    session.stop()
    const [first = Buffer.alloc(12)] = peer.got
    using decoder = codec.decoder()
    const heard = peer.got.flatMap((message, index) => {
      expect(payloadType(message)).toBe(type)
      expect((sequenceNumber(message) - sequenceNumber(first)) & 0xffff).toBe(index)
      expect((timestamp(message) - timestamp(first)) >>> 0).toBe(index * unit)
      return [...decoder.decode(message.subarray(12))]
    })
    expect(heard.length).toBe((peer.got.length * ptime * codec.sampleRate) / 1000)
    expect(share(heard.slice(codec.sampleRate / 10), 1004, codec.sampleRate)).toBeGreaterThan(0.99)
  })

  test('a call both ways loses nothing, and its digits arrive with their times', async () => {
    await using one = engine(1)
    await using other = engine(2)
    const format = { codec: name, payloadType: type, ptime, telephoneEvent: 101 } as const
    for (const media of [one, other]) media.prepare({ ...format, source: { kind: 'Silence' } })
    const [caller, callee] = [await open(one), await open(other)]
    caller.start({ ...options(callee, { kind: 'Silence' }), ...format })
    callee.start({ ...options(caller, { kind: 'Silence' }), ...format })
    const timing = { duration: 120, gap: 240 }
    caller.sendDigits('1*', timing)
    callee.sendDigits('7', timing)
    caller.sendDigits('D', timing)
    await until(() => callee.report().digits?.length === 3 && caller.report().digits?.[0]?.complete === true)
    await until(() => callee.report().digits?.at(-1)?.complete === true)
    expect(callee.report().digits).toMatchObject([
      { digit: '1', duration: 120, complete: true },
      { digit: '*', duration: 120, gap: 240, complete: true },
      { digit: 'D', duration: 120, gap: 240, complete: true },
    ])
    expect(caller.report().digits).toMatchObject([{ digit: '7', duration: 120 }])
    for (const session of [caller, callee]) {
      const { metrics } = session.report()
      expect(metrics).toMatchObject({ packetsLost: 0, duplicates: 0, outOfOrder: 0, ssrcSwitches: 0 })
    }
  })
})

test('digits take the place of the source: one timestamp each, while numbers and the clock go on', async () => {
  await using peer = await rawPeer()
  await using media = engine()
  const session = await open(media)
  session.start({ ...options(session, { kind: 'Tone' }), remote: peer.address, telephoneEvent: 101 })
  await until(() => peer.got.length >= 2)
  session.sendDigits('5', { duration: 80, gap: 100 })
  await until(() => payloadType(peer.got.at(-1) ?? Buffer.alloc(12)) === 101)
  await until(() => payloadType(peer.got.at(-1) ?? Buffer.alloc(12)) === 8)
  session.stop()
  const [start = Buffer.alloc(12)] = peer.got
  const events = peer.got.filter((message) => payloadType(message) === 101)
  expect(events).toHaveLength(6)
  expect(new Set(events.map(timestamp)).size).toBe(1)
  expect(events.map((message) => (message[1] ?? 0) >> 7)).toEqual([1, 0, 0, 0, 0, 0])
  expect(peer.got.map((message) => (sequenceNumber(message) - sequenceNumber(start)) & 0xffff)).toEqual([
    ...peer.got.keys(),
  ])
  const began = peer.got.findIndex((message) => message === events[0])
  const due = peer.got.map((message, index) => (payloadType(message) === 101 ? began : index) * 160)
  expect(peer.got.map((message) => (timestamp(message) - timestamp(start)) >>> 0)).toEqual(due)
  const receiver = new DigitReceiver(8000)
  for (const message of events) receiver.receive(0, timestamp(message), message.subarray(12))
  expect(receiver.digits).toEqual([{ digit: '5', at: 0, duration: 80, complete: true }])
})

test('digits that cannot be sent are refused', async () => {
  await using media = engine()
  const timing = { duration: 100, gap: 100 }
  const without = await open(media)
  expect(() => without.sendDigits('1', timing)).toThrow('telephone-event agreed')
  without.start(options(without, { kind: 'Tone' }))
  expect(() => without.sendDigits('1', timing)).toThrow('telephone-event agreed')
  expect(without.report().digits).toBeUndefined()
  const echo = await open(media)
  echo.start({ ...options(echo, { kind: 'Echo' }), telephoneEvent: 101 })
  expect(() => echo.sendDigits('1', timing)).toThrow('digits need a source')
  const session = await open(media)
  session.start({ ...options(session, { kind: 'Tone' }), telephoneEvent: 101 })
  expect(() => session.sendDigits('x', timing)).toThrow('x is no DTMF digit')
})
