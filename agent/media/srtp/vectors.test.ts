/** Published values: key derivation, keystream and packets of each suite. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { KeyDerivation } from './session-keys.ts'
import { SrtpReceiver } from './srtp-receiver.ts'
import { SrtpSender } from './srtp-sender.ts'
import { suiteNames } from './suites.ts'
import { transformOf } from './transforms.ts'

const hex = z.string().transform((text) => Buffer.from(text, 'hex'))
const suite = z.enum(suiteNames)
const pair = z.object({ plain: hex, protected: hex })

const vectors = z
  .object({
    keystream: z.object({ key: hex, salt: hex, octets: hex }),
    derivation: z.array(
      z.object({ name: z.string(), key: hex, salt: hex, encryption: hex, authentication: hex, sessionSalt: hex }),
    ),
    sessionPackets: z.array(
      pair.extend({
        ...{ name: z.string(), suite, protocol: z.enum(['RTP', 'RTCP']), key: hex, salt: hex },
        position: z.object({ ssrc: z.number(), rollover: z.number(), sequenceNumber: z.number() }),
      }),
    ),
    masterPackets: z.array(z.object({ suite, key: hex, salt: hex, rtp: pair, rtcp: pair })),
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, '../../../test/vectors/srtp/published.json'), 'utf8')))

const HEADERS = { RTP: 12, RTCP: 8 }

describe('session keys', () => {
  test.each(vectors.derivation)('$name', ({ key, salt, encryption, authentication, sessionSalt }) => {
    using derivation = new KeyDerivation(key, salt)
    expect(derivation.derive(0, encryption.length)).toEqual(encryption)
    expect(derivation.derive(1, authentication.length)).toEqual(authentication)
    expect(derivation.derive(2, sessionSalt.length)).toEqual(sessionSalt)
  })
})

test('the keystream of AES-CM, RFC 3711 B.2: zeroes under it become it', () => {
  const { key, salt, octets } = vectors.keystream
  const keys = { encryption: Buffer.from(key), salt: Buffer.from(salt), authentication: Buffer.alloc(20) }
  using transform = transformOf('AES_CM_128_HMAC_SHA1_80', 'RTP', keys)
  const packet = Buffer.alloc(octets.length + transform.overhead)
  transform.seal(packet, 0, { ssrc: 0, rollover: 0, sequenceNumber: 0 })
  expect(packet.subarray(0, octets.length)).toEqual(octets)
})

describe('packets under session keys', () => {
  test.each(vectors.sessionPackets)('$name', ({ suite: name, protocol, key, salt, position, plain, ...vector }) => {
    const keys = { encryption: Buffer.from(key), salt: Buffer.from(salt), authentication: Buffer.alloc(0) }
    using transform = transformOf(name, protocol, keys)
    const packet = Buffer.concat([plain, Buffer.alloc(transform.overhead)])
    transform.seal(packet, HEADERS[protocol], position)
    expect(packet.toString('hex')).toBe(vector.protected.toString('hex'))
    expect(transform.open(packet, HEADERS[protocol], position)).toBe(true)
    expect(packet.subarray(0, plain.length)).toEqual(plain)
  })
})

describe('packets under master keys', () => {
  test.each(vectors.masterPackets)('RTP of $suite', ({ suite: name, key, salt, rtp }) => {
    using sender = new SrtpSender({ suite: name, key, salt })
    using receiver = new SrtpReceiver({ suite: name, key, salt })
    expect(sender.protectRtp(rtp.plain, Buffer.alloc(64))).toEqual({ kind: 'Ok', packet: rtp.protected })
    expect(receiver.unprotectRtp(Buffer.from(rtp.protected))).toEqual({ kind: 'Ok', packet: rtp.plain })
  })

  test.each(vectors.masterPackets)('RTCP of $suite', ({ suite: name, key, salt, rtcp }) => {
    using sender = new SrtpSender({ suite: name, key, salt })
    using receiver = new SrtpReceiver({ suite: name, key, salt })
    sender.protectRtcp(rtcp.plain)
    expect(sender.protectRtcp(rtcp.plain)).toEqual({ kind: 'Ok', packet: rtcp.protected })
    expect(receiver.unprotectRtcp(Buffer.from(rtcp.protected))).toEqual({ kind: 'Ok', packet: rtcp.plain })
  })
})
