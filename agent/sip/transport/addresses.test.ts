/** Which of our addresses reaches a peer; the kernel's routing table is the edge that is played here. */
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../lib/manual-clock.ts'
import { advertised, LocalAddresses } from './addresses.ts'

function lab(answer: string | undefined) {
  const clock = new ManualClock()
  const asked: string[] = []
  const { promise: answered, resolve } = Promise.withResolvers<void>()
  const addresses = new LocalAddresses(clock, '0.0.0.0', async (remote) => {
    asked.push(remote)
    await answered
    return answer
  })
  return { clock, addresses, asked, answer: resolve }
}

test('the external address is told in the place of one of its family', () => {
  expect(advertised('10.0.0.1', '192.0.2.9')).toBe('192.0.2.9')
  expect(advertised('fd00::1', '2001:db8::9')).toBe('2001:db8::9')
  expect(advertised('fd00::1', '192.0.2.9')).toBe('fd00::1')
  expect(advertised('10.0.0.1', undefined)).toBe('10.0.0.1')
})

describe('the address that reaches a peer', () => {
  test('is looked up once for all that ask at the same time', async () => {
    const { addresses, asked, answer } = lab('192.0.2.1')
    const all = ['192.0.2.9', '192.0.2.9', '192.0.2.8'].map((remote) => addresses.find(remote))
    expect([asked, addresses.pending]).toEqual([['192.0.2.9', '192.0.2.8'], 2])
    answer()
    expect(await Promise.all(all)).toEqual(['192.0.2.1', '192.0.2.1', '192.0.2.1'])
    expect(addresses.pending).toBe(0)
  })

  test.each([
    ['is known for a minute', '192.0.2.1', '192.0.2.1', 60_000],
    ['is the bound one for a few seconds when there is none', undefined, '0.0.0.0', 5_000],
  ])('%s', async (_, found, expected, lifetime) => {
    const { addresses, asked, answer, clock } = lab(found)
    answer()
    expect(await addresses.find('192.0.2.9')).toBe(expected)
    await clock.advance(lifetime - 1)
    expect([addresses.known('192.0.2.9'), await addresses.find('192.0.2.9')]).toEqual([expected, expected])
    expect(asked).toHaveLength(1)
    await clock.advance(1)
    expect(addresses.known('192.0.2.9')).toBeUndefined()
    await addresses.find('192.0.2.9')
    expect(asked).toHaveLength(2)
  })
})
