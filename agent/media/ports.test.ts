/** RTP/RTCP port pairs on real sockets of the loopback. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { type PortPair, PortPairs } from './ports.ts'

async function closeAll(pairs: ReadonlyArray<PortPair | undefined>): Promise<void> {
  for (const pair of pairs) await pair?.[Symbol.asyncDispose]()
}

/** A range that nobody else uses now: found by binding, then given back. */
async function freeRange(pairs: number): Promise<{ first: number; last: number }> {
  const probe = new PortPairs()
  for (;;) {
    await using pair = await probe.bind('127.0.0.1')
    const first = pair?.rtpPort ?? 0
    const range = { first, last: first + 2 * pairs - 1 }
    await pair?.[Symbol.asyncDispose]()
    const all = new PortPairs(range)
    const bound = await Promise.all(Array.from({ length: pairs }, () => all.bind('127.0.0.1')))
    await closeAll(bound)
    if (!bound.includes(undefined)) return range
  }
}

describe('without a range', () => {
  test.each(['127.0.0.1', '::1'])(
    'a pair on %s is an even port and the next one, in use until disposed',
    async (address) => {
      const ports = new PortPairs()
      {
        await using pair = await ports.bind(address)
        expect(pair?.rtpPort).toBeGreaterThan(1023)
        expect((pair?.rtpPort ?? 1) % 2).toBe(0)
        expect(pair?.rtcpPort).toBe((pair?.rtpPort ?? 0) + 1)
        expect(pair?.rtp.address()).toMatchObject({ address, port: pair?.rtpPort })
        expect(pair?.rtcp.address()).toMatchObject({ address, port: pair?.rtcpPort })
        expect([ports.used, ports.free]).toEqual([2, undefined])
      }
      expect(ports.used).toBe(0)
    },
  )

  test('an address of another machine is the system’s error, and no port stays in use', async () => {
    const ports = new PortPairs()
    await expect(ports.bind('192.0.2.1')).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' })
    expect(ports.used).toBe(0)
  })
})

describe('with a range', () => {
  test('hands out every pair once, says when there is none left, and takes them back', async () => {
    const range = await freeRange(3)
    const ports = new PortPairs(range)
    expect(ports.free).toBe(6)
    const pairs = await Promise.all([1, 2, 3].map(() => ports.bind('127.0.0.1')))
    expect(new Set(pairs.map((pair) => pair?.rtpPort))).toEqual(
      new Set([range.first, range.first + 2, range.first + 4]),
    )
    expect([ports.used, ports.free]).toEqual([6, 0])
    expect(await ports.bind('127.0.0.1')).toBeUndefined()
    await closeAll(pairs)
    expect([ports.used, ports.free]).toEqual([0, 6])
  })

  test('takes ports in turn and passes over one that somebody else holds', async () => {
    const range = await freeRange(2)
    const foreign = createSocket('udp4')
    foreign.bind(range.first + 1, '127.0.0.1')
    await once(foreign, 'listening')
    const ports = new PortPairs(range)
    for (let turn = 0; turn < 2; turn++) {
      await using pair = await ports.bind('127.0.0.1')
      expect(pair?.rtpPort).toBe(range.first + 2)
    }
    foreign.close()
    await once(foreign, 'close')
    await using pair = await ports.bind('127.0.0.1')
    expect(pair?.rtpPort).toBe(range.first)
  })

  test('an odd first and an even last port are left unused', async () => {
    const range = await freeRange(2)
    const ports = new PortPairs({ first: range.first + 1, last: range.last - 1 })
    expect(ports.free).toBe(0)
    expect(await ports.bind('127.0.0.1')).toBeUndefined()
    expect(new PortPairs({ first: range.first - 1, last: range.last + 1 }).free).toBe(4)
  })
})
