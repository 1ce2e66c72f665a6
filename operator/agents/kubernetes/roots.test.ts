import { assert, integer, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../lib/manual-clock.ts'
import { authorityOf, createRoot } from '../certificates.ts'
import { LEAF_LIFE, ROOT_LIFE, decideRoots, isOutdated, validityOf } from './roots.ts'

const DAY = 86_400_000
const first = { from: 0, to: ROOT_LIFE }
const secondFrom = (ROOT_LIFE * 2) / 3
const second = { from: secondFrom, to: secondFrom + ROOT_LIFE }

describe('authorities', () => {
  test('there is none: the first one is due, and issues from its first day', () => {
    expect(decideRoots([], 0)).toEqual({ trusted: [], issuer: undefined, isDue: true })
    expect(decideRoots([first], 0)).toEqual({ trusted: [0], issuer: 0, isDue: false })
  })

  test('one is followed at two thirds of its life; the next one issues when everybody has learnt of it', () => {
    expect(decideRoots([first], secondFrom - 1).isDue).toBe(false)
    expect(decideRoots([first], secondFrom).isDue).toBe(true)
    expect(decideRoots([first, second], secondFrom)).toEqual({ trusted: [0, 1], issuer: 0, isDue: false })
    expect(decideRoots([first, second], secondFrom + LEAF_LIFE)).toEqual({ trusted: [0, 1], issuer: 1, isDue: false })
    expect(decideRoots([first, second], ROOT_LIFE)).toEqual({ trusted: [1], issuer: 1, isDue: false })
  })

  test('whenever somebody looks, what was issued in the 90 days before is trusted, and by what is issued now', () => {
    /** Looks every hour or less often, as an operator that is down for a while does. */
    assert(
      property(integer({ min: 1, max: 20 }), integer({ min: 0, max: 9 * 365 }), (pause, start) => {
        const roots: Array<{ from: number; to: number }> = []
        let issued: Array<{ at: number; issuer: number; knows: number }> = []
        let isKnown = true
        for (let day = 0; day < start + 200; day += pause) {
          const now = day * DAY
          if (decideRoots(roots, now).isDue) roots.push({ from: now, to: now + ROOT_LIFE })
          const { trusted, issuer = -1 } = decideRoots(roots, now)
          issued = issued.filter(({ at }) => now - at < LEAF_LIFE)
          // Both sides know each other: with each certificate came the authorities of its day.
          isKnown &&= issued.every((leaf) => trusted.includes(leaf.issuer) && leaf.knows >= issuer)
          issued.push({ at: now, issuer, knows: Math.max(...trusted) })
        }
        expect(isKnown).toBe(true)
      }),
      { numRuns: 30 },
    )
  })
})

describe('a certificate', () => {
  test('is followed at two thirds of its life, by a new authority, and where it is none', async () => {
    const clock = new ManualClock(Date.UTC(2026, 10, 21))
    const root = await createRoot(clock, ROOT_LIFE)
    const authority = await authorityOf(root, clock, LEAF_LIFE)
    const { certificate } = await authority.issueServer('agent', ['default.voip.agent.ringcheck.internal'])
    const { from, to } = validityOf(certificate)
    expect(to - clock.now()).toBe(LEAF_LIFE)
    expect(isOutdated(certificate, authority.ca, clock.now())).toBe(false)
    expect(isOutdated(certificate, authority.ca, from + ((to - from) * 2) / 3 - 1)).toBe(false)
    expect(isOutdated(certificate, authority.ca, from + ((to - from) * 2) / 3)).toBe(true)
    expect(isOutdated(certificate, (await createRoot(clock, ROOT_LIFE)).certificate, clock.now())).toBe(true)
    expect(isOutdated('', authority.ca, clock.now())).toBe(true)
  })

  test('never lives longer than its authority', async () => {
    const clock = new ManualClock(Date.UTC(2026, 10, 21))
    const root = await createRoot(clock, 30 * DAY)
    const { certificate } = await (await authorityOf(root, clock, LEAF_LIFE)).issueClient('operator')
    expect(validityOf(certificate).to).toBe(validityOf(root.certificate).to)
  })
})
