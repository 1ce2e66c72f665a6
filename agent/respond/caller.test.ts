import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { buildAnswer } from '../sip/index.ts'
import type { Call, IncomingCall, RegisterOutcome } from '../sip/index.ts'
import type { MediaSession } from '../media/index.ts'
import { parseCalling } from './index.ts'
import { createRig, startSession } from './rig.fixture.ts'
import type { Rig } from './rig.fixture.ts'

describe('an order to call', () => {
  test.each([
    ['bob@:8s', { user: 'bob', every: 8_000 }],
    ['callee-probe@:1m30s', { user: 'callee-probe', every: 90_000 }],
  ])('%s says whom and how often', (text, calling) => expect(parseCalling(text)).toEqual(calling))

  test.each(['bob', 'bob@', 'bob@:', 'bob@:0s', 'bob@:soon', '@:8s', 'bob@example.com:8s', 'bob@:8s '])(
    '%j is none',
    (text) => expect(parseCalling(text)).toBeUndefined(),
  )
})

describe('calling those who registered', () => {
  let rig: Rig
  /** The calls that bob answered. */
  let calls: Array<{ call: Call; session: MediaSession; from: string }>
  beforeEach(async () => {
    rig = await createRig()
    calls = []
    await rig.start({ calls: [{ user: 'bob', every: 8_000 }], record: rig.recordFile })
    rig.engine.onInvite('desk', (incoming) => void answer(incoming))
  })
  afterEach(() => rig[Symbol.asyncDispose]())

  const register = (): Promise<RegisterOutcome> =>
    rig.engine.register({
      ...rig.request(),
      party: { ...rig.party('bob'), contactUser: 'desk', credentials: { username: 'bob', password: 'secret' } },
      expires: 300,
    })

  async function answer(incoming: IncomingCall): Promise<void> {
    const session = await rig.openSession()
    const { rtpPort, rtcpPort } = session
    const local = { address: '127.0.0.1', rtpPort, rtcpPort, codecs: ['PCMU'] as const, ptime: 20, sessionId: 2 }
    const answered = buildAnswer(incoming.sdp ?? '', local)
    if (answered.kind !== 'Answer') throw new Error(answered.detail)
    startSession(session, answered.audio, 'Silence')
    const call = await incoming.answer(answered.sdp)
    if (call) calls.push({ call, session, from: incoming.from })
  }

  test('it calls as soon as somebody is registered, with a tone, and again when it is time', async () => {
    await rig.time.advance(60_000)
    await rig.settled()
    expect(calls).toHaveLength(0)

    expect((await register()).kind).toBe('Registered')
    await expect.poll(() => calls.length).toBe(1)
    expect(calls[0]?.from).toContain('sip:ringcheck@127.0.0.1')
    await rig.settled()
    await rig.hear(50)
    await expect.poll(() => calls[0]?.session.report().packetsReceived ?? 0).toBeGreaterThanOrEqual(49)
    await calls[0]?.call.bye()
    await expect.poll(() => rig.record().length).toBe(2)
    await rig.time.advance(6_999)
    await rig.settled()
    expect(calls).toHaveLength(1)
    await rig.time.advance(1)
    await expect.poll(() => calls.length).toBe(2)
  })

  test('it hangs up after a minute when the callee does not', async () => {
    await register()
    await expect.poll(() => calls.length).toBe(1)
    await rig.settled()
    await rig.time.advance(60_000)
    expect(await calls[0]?.call.ended).toMatchObject({ by: 'Remote' })
  })

  test('it calls nobody who unregistered', async () => {
    const registered = await register()
    await expect.poll(() => calls.length).toBe(1)
    await calls[0]?.call.bye()
    expect(registered.kind === 'Registered' && (await registered.registration.unregister()).kind).toBe('Unregistered')
    await rig.time.advance(60_000)
    await rig.settled()
    expect(calls).toHaveLength(1)
  })
})
