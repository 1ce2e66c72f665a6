/** Loops of packets: nothing is left out, nothing comes twice, and after the last packet comes the first. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inTurn, slide } from './packet-loop.ts'

const packetsOf = ({ octets, starts, ends }: ReturnType<typeof slide>) =>
  [...starts].map((start, index) => octets.subarray(start, ends[index]))

test('packets of any time go through a loop of any length again and again', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 200 }), (length, ptime) => {
      const loop = Uint8Array.from({ length }, (_, index) => index)
      const packets = packetsOf(slide(loop, ptime))
      const stream = Buffer.concat(packets)
      expect(packets.every((packet) => packet.length === 8 * ptime)).toBe(true)
      expect(stream.length % length).toBe(0)
      expect(stream.every((octet, index) => octet === loop[index % length])).toBe(true)
    }),
  )
})

test('whole packets stay as they are', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1 }), (packets) => {
      expect(packetsOf(inTurn(packets)).map((packet) => [...packet])).toEqual(packets.map((packet) => [...packet]))
    }),
  )
})
