/** NTP timestamps. */
import { expect, test } from 'vitest'
import { compactNtp, ntpTime } from './ntp.ts'

test('counts from 1900 in 1/2^32 s', () => {
  expect(ntpTime(0)).toEqual({ seconds: 2_208_988_800, fraction: 0 })
  expect(ntpTime(1500)).toEqual({ seconds: 2_208_988_801, fraction: 2 ** 31 })
})

test('the middle of it counts 65536 a second', () => {
  const start = Date.UTC(2026, 10, 21)
  expect(compactNtp({ seconds: 0xb44d_b705, fraction: 0x2000_0000 })).toBe(0xb705_2000)
  expect((compactNtp(ntpTime(start + 1500)) - compactNtp(ntpTime(start))) >>> 0).toBe(98_304)
})
