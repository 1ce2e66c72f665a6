import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../lib/manual-clock.ts'
import { Bindings } from './bindings.ts'

const alice = 'sip:alice@127.0.0.1:5070'
const desk = 'sip:alice@127.0.0.1:5080'
const uris = (bindings: Bindings) => bindings.of('alice').map(({ uri }) => uri)

describe('a binding', () => {
  test('is in force until it expires', async () => {
    const clock = new ManualClock()
    const bindings = new Bindings(clock)
    bindings.update('alice', { callId: 'a', cseq: 1, contacts: [{ uri: alice, expires: 60 }] })
    await clock.advance(59_999)
    expect(uris(bindings)).toEqual([alice])
    await clock.advance(1)
    expect(uris(bindings)).toEqual([])
  })

  test('lasts longer when it is refreshed', async () => {
    const clock = new ManualClock()
    const bindings = new Bindings(clock)
    bindings.update('alice', { callId: 'a', cseq: 1, contacts: [{ uri: alice, expires: 60 }] })
    await clock.advance(50_000)
    bindings.update('alice', { callId: 'a', cseq: 2, contacts: [{ uri: alice, expires: 60 }] })
    await clock.advance(50_000)
    expect(uris(bindings)).toEqual([alice])
  })

  test('goes with expires 0, and the others stay', () => {
    const bindings = new Bindings(new ManualClock())
    bindings.update('alice', { callId: 'a', cseq: 1, contacts: [{ uri: alice, expires: 60 }] })
    bindings.update('alice', { callId: 'b', cseq: 1, contacts: [{ uri: desk, expires: 60 }] })
    expect(uris(bindings)).toEqual([desk, alice])
    bindings.update('alice', { callId: 'a', cseq: 2, contacts: [{ uri: alice, expires: 0 }] })
    expect(uris(bindings)).toEqual([desk])
  })

  test('goes with all others when all are removed', () => {
    const bindings = new Bindings(new ManualClock())
    bindings.update('alice', { callId: 'a', cseq: 1, contacts: [{ uri: alice, expires: 60 }] })
    bindings.update('alice', { callId: 'b', cseq: 1, contacts: [{ uri: desk, expires: 60 }] })
    bindings.update('alice', { callId: 'c', cseq: 1, contacts: 'All' })
    expect(uris(bindings)).toEqual([])
  })

  test('of one user is not of another', () => {
    const bindings = new Bindings(new ManualClock())
    bindings.update('bob', { callId: 'a', cseq: 1, contacts: [{ uri: desk, expires: 60 }] })
    expect(uris(bindings)).toEqual([])
  })
})

describe('a REGISTER that cannot be carried out changes nothing', () => {
  test('when it is not newer than the last one of its Call-ID', () => {
    const bindings = new Bindings(new ManualClock())
    bindings.update('alice', { callId: 'a', cseq: 2, contacts: [{ uri: alice, expires: 60 }] })
    expect(bindings.update('alice', { callId: 'a', cseq: 2, contacts: [{ uri: alice, expires: 0 }] })).toEqual({
      kind: 'OutOfOrder',
    })
    expect(bindings.update('alice', { callId: 'a', cseq: 1, contacts: 'All' })).toEqual({ kind: 'OutOfOrder' })
    expect(uris(bindings)).toEqual([alice])
  })

  test('when the user would have more than ten contacts', () => {
    const bindings = new Bindings(new ManualClock())
    const contacts = Array.from({ length: 11 }, (_, index) => ({ uri: `${alice}${index}`, expires: 60 }))
    expect(bindings.update('alice', { callId: 'a', cseq: 1, contacts })).toEqual({ kind: 'TooMany' })
    expect(uris(bindings)).toEqual([])
  })
})

describe('waiting for a binding', () => {
  test('ends at once when there is one, and as soon as there is one', async () => {
    const bindings = new Bindings(new ManualClock())
    const { signal } = new AbortController()
    const waiting = bindings.first('alice', signal)
    bindings.update('bob', { callId: 'b', cseq: 1, contacts: [{ uri: desk, expires: 60 }] })
    bindings.update('alice', { callId: 'a', cseq: 1, contacts: [{ uri: alice, expires: 60 }] })
    expect((await waiting)?.uri).toBe(alice)
    expect((await bindings.first('alice', signal))?.uri).toBe(alice)
  })

  test('ends with nothing when it is given up', async () => {
    const bindings = new Bindings(new ManualClock())
    const controller = new AbortController()
    const waiting = bindings.first('alice', controller.signal)
    controller.abort()
    expect(await waiting).toBeUndefined()
  })
})

test('a contact is the same one however it is spelled', () => {
  const bindings = new Bindings(new ManualClock())
  const spelled = 'sip:alice@PBX.example.com;transport=udp;ob'
  bindings.update('alice', { callId: 'a', cseq: 1, contacts: [{ uri: 'sip:alice@pbx.example.com:5060', expires: 60 }] })
  bindings.update('alice', { callId: 'a', cseq: 2, contacts: [{ uri: spelled, expires: 60 }] })
  expect(uris(bindings)).toEqual([spelled])
})
