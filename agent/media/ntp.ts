/** NTP timestamps as RTCP carries them (RFC 3550 4); it reads no clock. */

/** Seconds from 1900, where NTP begins, to 1970. */
const NTP_EPOCH = 2_208_988_800

/** The 64 bits of an NTP timestamp. */
export interface NtpTime {
  seconds: number
  /** 1/2^32 s. */
  fraction: number
}

/** @param milliseconds since 1970 */
export function ntpTime(milliseconds: number): NtpTime {
  const whole = Math.floor(milliseconds / 1000)
  return {
    seconds: (whole + NTP_EPOCH) >>> 0,
    fraction: Math.floor((milliseconds / 1000 - whole) * 2 ** 32) >>> 0,
  }
}

/** The middle 32 bits, 1/65536 s: what LSR carries. */
export function compactNtp(time: NtpTime): number {
  return ((time.seconds << 16) | (time.fraction >>> 16)) >>> 0
}
