import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../lib/manual-clock.ts'
import { within } from './patience.ts'

function patience() {
  const clock = new ManualClock()
  const stopping = new AbortController()
  return { clock, stopping, patience: { clock, limit: 8000, signal: stopping.signal, limitOfStopped: 1500 } }
}

describe('waiting for a goodbye', () => {
  test('ends when it comes, and leaves no timer', async () => {
    const { clock, patience: limits } = patience()
    await expect(within(Promise.resolve('bye'), limits)).resolves.toBe('bye')
    expect(clock.waiting).toBe(0)
  })

  test('ends when the time is over', async () => {
    const { clock, patience: limits } = patience()
    const waiting = within(new Promise<string>(() => {}), limits)
    await clock.advance(7999)
    await expect(Promise.race([waiting, Promise.resolve('still waiting')])).resolves.toBe('still waiting')
    await clock.advance(1)
    await expect(waiting).resolves.toBeUndefined()
    expect(clock.waiting).toBe(0)
  })

  test('is cut short when we stop meanwhile, or have stopped before', async () => {
    const { clock, stopping, patience: limits } = patience()
    const waiting = within(new Promise<string>(() => {}), limits)
    await clock.advance(1000)
    stopping.abort()
    await clock.advance(1500)
    await expect(waiting).resolves.toBeUndefined()

    const again = within(new Promise<string>(() => {}), limits)
    await clock.advance(1500)
    await expect(again).resolves.toBeUndefined()
    expect(clock.waiting).toBe(0)
  })
})
