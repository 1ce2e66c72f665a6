/** What happens within a call, with SIPp on the other side: PRACK, late offers, re-INVITE, UPDATE, INFO, REFER, session timers, Replaces. */
import { describe, expect, test } from 'vitest'
import { readDtmfRelay, writeDtmfRelay } from '../../../agent/media/codec/dtmf-info.ts'
import { fasterClock } from '../../../agent/sip/conformance/lab.ts'
import type { Referral } from '../../../agent/sip/index.ts'
import { shows } from '../../lab/features.ts'
import { until } from '../../lab/process.ts'
import { sippCaller } from '../../lab/sipp.ts'
import * as agents from './agents.ts'
import { answer, fromSipp, toSipp } from './sipp.ts'

describe('reliable provisional responses', () => {
  test(
    'as caller: 183 with the answer and 180, each with its PRACK',
    shows({ SIPp: ['prack-caller', 'early-media'] }),
    async () => {
      const heard: Array<readonly [code: number, media: boolean]> = []
      const onProvisional = ({ code, sdp }: { code: number; sdp?: string }) =>
        void (code > 100 && heard.push([code, sdp?.includes('m=audio') ?? false]))
      await toSipp('reliable-callee', { invite: { reliable: 'Supported', onProvisional } }, async ({ outgoing }) => {
        const call = await agents.answered(outgoing)
        expect(heard).toEqual([
          [183, true],
          [180, false],
        ])
        expect(call.sdp).toContain('m=audio')
        expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
      })
    },
  )

  test('as callee of a caller that requires them', shows({ SIPp: ['prack-callee'] }), () =>
    fromSipp('reliable-caller', {}, async ({ incoming }) => {
      incoming.ring()
      await until(() => agents.titles(incoming.trace).includes('< PRACK'), { what: 'PRACK came' })
      expect(await (await answer(incoming)).ended).toMatchObject({ by: 'Remote' })
    }),
  )

  test('required of a callee that has never heard of them: 420', shows({ SIPp: ['prack-caller'] }), () =>
    toSipp(
      'bad-extension',
      { keys: { header: 'Unsupported: 100rel' }, invite: { reliable: 'Required' } },
      async (made) => {
        expect(await made.outgoing.outcome).toMatchObject({ kind: 'Rejected', code: 420 })
        expect(agents.textOf(made.trace)).toMatch(/^Require: .*100rel/m)
      },
    ),
  )
})

describe('late offer', () => {
  test('as caller: the answer is in the ACK', shows({ SIPp: ['late-offer-caller'] }), async () => {
    await toSipp(
      'late-offer-callee',
      { invite: { offer: undefined, onOffer: agents.answerTo } },
      async ({ outgoing }) => {
        const call = await agents.answered(outgoing)
        expect(call.sdp).toContain('m=audio')
        expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
      },
    )
  })

  test('as callee: the offer is in the 200', shows({ SIPp: ['late-offer-callee'] }), () =>
    fromSipp('late-offer-caller', {}, async ({ incoming }) => {
      expect(incoming.sdp).toBeUndefined()
      const call = await answer(incoming)
      expect(call.sdp).toContain('m=audio')
      expect(await call.ended).toMatchObject({ by: 'Remote' })
    }),
  )
})

describe('within the call', () => {
  test('hold and resume, by us and by the callee', shows({ SIPp: ['hold', 'held', 'direction'] }), async () => {
    const offers: string[] = []
    const onReoffer = (sdp: string | undefined) => {
      offers.push(/a=(sendonly|sendrecv)/.exec(sdp ?? '')?.[1] ?? '')
      return agents.answerTo(sdp)
    }
    await toSipp('hold', { invite: { onReoffer } }, async ({ outgoing }) => {
      const call = await agents.answered(outgoing)
      expect(await call.hold()).toMatchObject({ kind: 'Answered', code: 200 })
      expect(call.sdp).toContain('a=recvonly')
      expect(await call.resume()).toMatchObject({ kind: 'Answered', code: 200 })
      await until(() => offers.length === 2, { what: 'the callee has held and resumed' })
      expect(offers).toEqual(['sendonly', 'sendrecv'])
      expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
    })
  })

  test('another codec by re-INVITE', shows({ SIPp: ['codec-change'] }), () =>
    toSipp('codec-change', {}, async ({ outgoing }) => {
      const call = await agents.answered(outgoing)
      expect(call.sdp).toContain('PCMU/8000')
      expect(await call.reinvite(agents.OFFER)).toMatchObject({ kind: 'Answered' })
      expect(call.sdp).toContain('PCMA/8000')
      expect(call.sdp).not.toContain('PCMU/8000')
      expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
    }),
  )

  test('491: our re-INVITE is sent again', shows({ SIPp: ['glare'] }), () =>
    toSipp('glare', { engine: { clock: fasterClock(10) } }, async ({ outgoing }) => {
      const call = await agents.answered(outgoing)
      expect(await call.reinvite(agents.OFFER)).toMatchObject({ kind: 'Answered', code: 200 })
      expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
    }),
  )

  test('491: theirs that crosses ours is refused, and ours is sent again', shows({ SIPp: ['glare'] }), () =>
    toSipp('glare-crossing', { engine: { clock: fasterClock(10) } }, async ({ outgoing, trace }) => {
      const call = await agents.answered(outgoing)
      expect(await call.reinvite(agents.OFFER)).toMatchObject({ kind: 'Answered', code: 200 })
      expect(agents.titles(trace)).toEqual(expect.arrayContaining(['> 491 INVITE', '< 491 INVITE']))
      expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
    }),
  )

  test('UPDATE with an offer, both ways', shows({ SIPp: ['update-sent', 'update-received'] }), () =>
    toSipp('update', { invite: { onReoffer: agents.answerTo } }, async ({ outgoing, trace }) => {
      const call = await agents.answered(outgoing)
      expect(await call.update(agents.OFFER)).toMatchObject({ kind: 'Answered', code: 200 })
      await until(() => agents.titles(trace).includes('> 200 UPDATE'), { what: 'theirs is answered' })
      expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
    }),
  )

  test('INFO with DTMF, both ways', shows({ SIPp: ['info-sent', 'info-received', 'digits-by-info'] }), async () => {
    const heard = Promise.withResolvers<{ contentType: string; body: string }>()
    await toSipp('info', { invite: { onInfo: heard.resolve } }, async ({ outgoing }) => {
      const call = await agents.answered(outgoing)
      const sent = await call.info('application/dtmf-relay', writeDtmfRelay({ digit: '5', duration: 160 }))
      expect(sent).toEqual({ kind: 'Done', code: 200 })
      const { contentType, body } = await heard.promise
      expect(contentType).toBe('application/dtmf-relay')
      expect(readDtmfRelay(body)).toMatchObject({ digit: '7' })
      expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
    })
  })

  test('REFER: the callee tells how its call goes', shows({ SIPp: ['refer-sent'] }), () =>
    toSipp('referred', {}, async ({ outgoing }) => {
      const call = await agents.answered(outgoing)
      const told: unknown[] = []
      const over = Promise.withResolvers<void>()
      const onProgress = (progress: { code: number; reason: string; terminated: boolean }) => {
        told.push(progress)
        if (progress.terminated) over.resolve()
      }
      expect(await call.refer('sip:carol@lab.test', { onProgress })).toEqual({ kind: 'Done', code: 202 })
      await over.promise
      expect(told).toEqual([
        { code: 100, reason: 'Trying', terminated: false },
        { code: 200, reason: 'OK', terminated: true },
      ])
      expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
    }),
  )

  test('REFER: we tell how our call goes', shows({ SIPp: ['refer-received'] }), async () => {
    const asked: string[] = []
    const onRefer = (referral: Referral) => {
      asked.push(referral.target, referral.referredBy ?? '')
      referral.accept()
      referral.report(200, 'OK')
    }
    await toSipp('refers', { invite: { onRefer } }, async ({ outgoing, trace }) => {
      const call = await agents.answered(outgoing)
      const notified = () => agents.titles(trace).filter((title) => title === '< 200 NOTIFY').length
      await until(() => notified() === 2, { what: 'the callee knows' })
      const notify = trace.messages.find(({ text }) => text.startsWith('NOTIFY '))
      expect(notify?.text.match(/^Content-Type: [^\r]*/gm)).toEqual(['Content-Type: message/sipfrag;version=2.0'])
      expect(asked).toEqual(['sip:carol@lab.test', expect.stringContaining('sip:bob@lab.test')])
      expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
    })
  })

  test('Replaces: a call takes the place of one that stands', shows({ SIPp: ['replaces'] }), async () => {
    await toSipp('callee', {}, async ({ ours, outgoing }) => {
      const call = await agents.answered(outgoing)
      const taken = agents.nextCall(ours, 'alice-contact')
      // As the peer of the call sees it: its own tag comes first.
      const { callId, toTag, fromTag } = call.replacement
      const replaces = `Replaces: ${callId};to-tag=${fromTag};from-tag=${toTag}`
      const target = `127.0.0.1:${ours.ports.UDP}`
      await using caller = await sippCaller({
        ...{ target, scenario: 'caller', service: 'alice-contact', hold: 100, keys: { header: replaces } },
      })
      const incoming = await taken
      expect(incoming.replaces).toMatchObject({ callId })
      const second = await answer(incoming)
      expect(await call.ended).toMatchObject({ by: 'Local' })
      expect(await second.ended).toMatchObject({ by: 'Remote' })
      expect(await caller.finished).toMatchObject({ successful: 1, failed: 0 })
    })
  })
})

describe('session timers', () => {
  const sessionTimer = { expires: 90 }
  /** 45 s, half of a session, are 0.9 s. */
  const clock = fasterClock(50)

  test('we refresh', shows({ SIPp: ['session-timer-ours'] }), () =>
    toSipp('timer-refreshed', { engine: { clock }, invite: { sessionTimer } }, async ({ outgoing, trace }) => {
      const call = await agents.answered(outgoing)
      await until(() => agents.titles(trace).includes('< 200 UPDATE'), { what: 'the session is refreshed' })
      expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
    }),
  )

  test('the callee refreshes, and when it no longer does we hang up', shows({ SIPp: ['session-timer-theirs'] }), () =>
    toSipp('timer-refreshing', { engine: { clock }, invite: { sessionTimer } }, async ({ outgoing, trace }) => {
      const call = await agents.answered(outgoing)
      expect(await call.ended).toEqual({ by: 'Timeout' })
      await until(() => agents.titles(trace).includes('< 200 BYE'), { what: 'it is hung up' })
      expect(agents.titles(trace)).toContain('> 200 UPDATE')
    }),
  )

  test('we refresh as callee', shows({ SIPp: ['session-timer-ours'] }), () =>
    fromSipp('timer-caller', { engine: { clock } }, async ({ incoming }) => {
      expect(await (await answer(incoming)).ended).toMatchObject({ by: 'Remote' })
    }),
  )

  test('422: again with the interval that the callee accepts', shows({ SIPp: ['session-interval-too-small'] }), () =>
    toSipp('timer-too-small', { invite: { sessionTimer } }, async ({ outgoing }) => {
      const call = await agents.answered(outgoing)
      expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
    }),
  )
})
