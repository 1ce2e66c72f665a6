/** Transactions whose peer is silent, slow to understand, or says everything twice. SIPp is the peer; what RFC 3261 lets take 32 s takes one. */
import { describe, expect, test } from 'vitest'
import { drained, fasterClock } from '../../../agent/sip/conformance/lab.ts'
import { shows } from '../../lab/features.ts'
import { until } from '../../lab/process.ts'
import * as agents from './agents.ts'
import { answer, fromSipp, toSipp } from './sipp.ts'

const clock = fasterClock(16)
/** Milliseconds, longer than timers B and F. */
const timeout = 60_000

describe('a callee that is silent', () => {
  test(
    'from the start: seven INVITEs at most, and no response by timer B',
    shows({ SIPp: ['silence', 'invite-client', 'retransmissions'] }),
    () =>
      toSipp('silent', { engine: { clock }, invite: { timeout }, completes: false }, async (made) => {
        expect(await made.outgoing.outcome).toMatchObject({ kind: 'NoResponse' })
        // After 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s; a busy machine may be at timer B with the last.
        expect(made.outgoing.counters.retransmissionsSent).toBeGreaterThanOrEqual(5)
        expect(made.outgoing.counters.retransmissionsSent).toBeLessThanOrEqual(6)
        await drained(made.ours)
      }),
  )

  test('after its ringing: no final response, and nobody hears the CANCEL', shows({ SIPp: ['silence'] }), () =>
    toSipp(
      'silent-after-ringing',
      { engine: { clock }, invite: { timeout }, completes: false },
      async ({ outgoing, ours, trace }) => {
        expect(await outgoing.outcome).toMatchObject({ kind: 'NoFinalResponse', code: 180 })
        expect(agents.titles(trace)).toEqual(['> INVITE', '< 180 INVITE', '> CANCEL'])
        await drained(ours)
      },
    ),
  )

  test(
    'after its answer: eleven BYEs at most, and no response by timer F',
    shows({ SIPp: ['silence', 'non-invite-client', 'retransmissions'] }),
    () =>
      toSipp(
        'silent-after-answer',
        { engine: { clock }, invite: { timeout }, completes: false },
        async ({ outgoing, ours, trace }) => {
          const call = await agents.answered(outgoing)
          await call.bye()
          await drained(ours)
          const byes = trace.messages.filter(({ text }) => text.startsWith('BYE '))
          // RFC 3261 17.1.2.2: 0.5, 1, 2 and then every 4 s.
          expect(byes.length).toBeGreaterThanOrEqual(9)
          expect(byes.length).toBeLessThanOrEqual(11)
        },
      ),
  )
})

describe('a caller that never sends its ACK', () => {
  test(
    'to a refusal: it is sent again until timer H',
    shows({ SIPp: ['silence', 'invite-server', 'retransmissions'] }),
    () =>
      fromSipp('never-acknowledges-refusal', { engine: { clock } }, async ({ incoming, ours }) => {
        incoming.reject(486)
        await drained(ours)
        const refusals = incoming.trace.messages.filter(({ text }) => text.startsWith('SIP/2.0 486'))
        expect(refusals.length).toBeGreaterThanOrEqual(9)
        expect(refusals.length).toBeLessThanOrEqual(11)
      }),
  )

  test('to our 200: it is sent again, and then we hang up', shows({ SIPp: ['silence', 'accepted'] }), () =>
    fromSipp('never-acknowledges', { engine: { clock } }, async ({ incoming, ours }) => {
      expect(await incoming.answer(agents.answerTo(incoming.sdp))).toBeUndefined()
      const answers = incoming.trace.messages.filter(({ text }) => /^SIP\/2.0 200[^]*^CSeq: 1 INVITE/m.test(text))
      expect(answers.length).toBeGreaterThan(5)
      await drained(ours)
      expect(agents.titles(incoming.trace)).toContain('> BYE')
    }),
  )
})

test(
  'a callee that says everything twice, and its ringing after its answer',
  shows({ SIPp: ['duplicates', 'accepted', 'retransmissions'] }),
  () =>
    toSipp('disorder', {}, async ({ outgoing, trace }) => {
      const call = await agents.answered(outgoing)
      await until(() => trace.messages.filter(({ text }) => text.startsWith('ACK ')).length === 2, { what: 'two ACKs' })
      expect(call.counters.retransmissionsReceived).toBeGreaterThan(0)
      expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
    }),
)

test(
  'a caller that says everything twice gets each answer twice, and makes one call',
  shows({ SIPp: ['duplicates', 'non-invite-server', 'retransmissions'] }),
  () =>
    // SIPp counts the call as good when each of its messages was answered twice.
    fromSipp('doubles', { retransmits: false }, async ({ incoming }) => {
      incoming.ring()
      const invites = () => incoming.trace.messages.filter(({ text }) => text.startsWith('INVITE '))
      await until(() => invites().length === 2, { what: 'the second INVITE came' })
      expect(invites().map(({ retransmission }) => retransmission)).toEqual([false, true])
      const call = await answer(incoming)
      expect(await call.ended).toMatchObject({ by: 'Remote' })
    }),
)
