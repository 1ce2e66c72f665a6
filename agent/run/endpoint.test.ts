import { array, assert, constantFrom, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { outcomes } from '../../crds/index.ts'
import { ManualClock } from '../../lib/manual-clock.ts'
import type { Phase } from '../api/protocol.ts'
import { phases } from '../api/protocol.ts'
import { callTimes, Endpoint, merge } from './endpoint.ts'
import type { Standing } from './endpoint.ts'

const standing = constantFrom(...outcomes).map((outcome): Standing => ({ outcome, message: `it was ${outcome}` }))

function endpoint(clock = new ManualClock()) {
  const seen: Phase[] = []
  return { seen, clock, endpoint: new Endpoint({ clock, onPhase: (phase) => void seen.push(phase) }) }
}

describe('phases', () => {
  test('go forward only, whatever order they are asked for', () => {
    assert(
      property(array(constantFrom(...phases)), (asked) => {
        const { seen, endpoint: under } = endpoint()
        for (const phase of asked) under.enter(phase)
        const order = seen.map((phase) => phases.indexOf(phase))
        expect(order).toEqual([...new Set(order)].toSorted((left, right) => left - right))
      }),
    )
  })
})

describe('outcomes', () => {
  test('a worse one overwrites, the first of the last five stays', () => {
    const rank = ({ outcome }: Standing) => Math.min(outcomes.indexOf(outcome), 3)
    assert(
      property(array(standing, { minLength: 1 }), (happened) => {
        const result = happened.reduce(merge)
        const worst = Math.max(...happened.map(rank))
        expect(result).toBe(happened.find((each) => rank(each) === worst))
      }),
    )
  })

  test('the response that goes with the first failure stays with it', () => {
    const { endpoint: under } = endpoint()
    under.fail({
      outcome: 'CallFailed',
      failureClass: 'Busy',
      message: 'busy',
      sip: { code: 486, reason: 'Busy Here' },
    })
    under.fail({ outcome: 'Timeout', failureClass: 'NoAnswer', message: 'late', sip: { code: 408, reason: 'Timeout' } })
    expect(under.result()).toMatchObject({
      failureClass: 'Busy',
      message: 'busy',
      sip: { code: 486, reason: 'Busy Here' },
      metrics: { statusCode: 486 },
    })
  })

  test('what we stopped does not fail afterwards, and what failed is not stopped', () => {
    const stopped = endpoint().endpoint
    stopped.stop()
    stopped.fail({ outcome: 'TeardownError', failureClass: 'TeardownFailed', message: 'no answer to BYE' })
    expect(stopped.result()).toMatchObject({ stopped: true, outcome: 'Success' })
    expect(stopped.result().failureClass).toBeUndefined()

    const failed = endpoint().endpoint
    failed.fail({ outcome: 'CallFailed', failureClass: 'Busy', message: 'busy' })
    failed.stop()
    expect(failed.result()).toMatchObject({ failureClass: 'Busy' })
    expect(failed.result().stopped).toBeUndefined()
  })
})

describe('the result', () => {
  test('of nothing holds nothing: no metric, no response, no call', () => {
    const { endpoint: under } = endpoint()
    expect(under.result()).toMatchObject({ outcome: 'Success', metrics: {}, findings: [] })
  })

  test('is as long as it took, and sums the counters of its requests', async () => {
    const { clock, endpoint: under } = endpoint()
    const registered = { retransmissionsSent: 2, retransmissionsReceived: 0, authenticationRounds: 1, wrongProofs: 0 }
    under.counts(registered)
    under.counts(registered)
    under.counts({ retransmissionsSent: 1, retransmissionsReceived: 3, authenticationRounds: 1, wrongProofs: 0 })
    await clock.advance(1500)
    const result = under.result()
    expect(result.finishedAt - result.startedAt).toBe(1500)
    expect(result).toMatchObject({
      retransmissions: { sent: 3, received: 3 },
      authenticationRounds: 2,
      metrics: { retransmissionsSent: 3, retransmissionsReceived: 3, authRounds: 2 },
    })
  })

  test.each([
    ['of the call', [40, 30], 30],
    ['of the registration where the call was not challenged', [40, undefined], 40],
    ['of nothing', [undefined, undefined], undefined],
  ])('has the time of authentication %s', (_of, times, authTime) => {
    const { endpoint: under } = endpoint()
    const counters = { retransmissionsSent: 0, retransmissionsReceived: 0, authenticationRounds: 0, wrongProofs: 0 }
    for (const time of times) under.counts({ ...counters, ...(time !== undefined && { authenticationTime: time }) })
    expect(under.result().metrics.authTime).toBe(authTime)
  })
})

describe('the times of a call', () => {
  test('are differences of what happened', () => {
    const timings = {
      inviteSent: 100,
      firstResponse: 105,
      ringing: 150,
      answered: 400,
      byeSent: 3400,
      byeAnswered: 3410,
    }
    expect(callTimes(timings)).toEqual({
      setupTime: 50,
      ringTime: 250,
      connectTime: 300,
      sessionTime: 3000,
      disconnectTime: 10,
    })
  })

  test('without a 180 there is no setup time and no ring time', () => {
    expect(callTimes({ inviteSent: 100, answered: 400, byeReceived: 900 })).toEqual({
      connectTime: 300,
      sessionTime: 500,
    })
  })

  test('of a call that nobody answered is the setup alone', () => {
    expect(callTimes({ inviteSent: 100, ringing: 180 })).toEqual({ setupTime: 80 })
  })
})
