import { expect, test } from 'vitest'
import { exportedLength, masterKeysOf, SrtpReceiver, SrtpSender, suiteNames, suiteOfProfile } from './index.ts'
import { rtpPacket, seededOctets } from './packets.fixture.ts'

test.each(suiteNames)('both ends of a handshake hear each other: %s', (suite) => {
  const material = seededOctets(4)(exportedLength(suite))
  const [client, server] = [masterKeysOf(suite, material, 'Client'), masterKeysOf(suite, material, 'Server')]
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    using sender = new SrtpSender(from.local)
    using receiver = new SrtpReceiver(to.remote)
    const packet = rtpPacket(7, 1)
    const sealed = sender.protectRtp(packet, Buffer.alloc(200))
    expect(sealed.kind === 'Ok' && receiver.unprotectRtp(sealed.packet)).toEqual({ kind: 'Ok', packet })
  }
})

test('keys and salts stand in the order of RFC 5764 4.2', () => {
  const material = Uint8Array.from({ length: 60 }, (_, index) => index)
  const { local, remote } = masterKeysOf('AES_CM_128_HMAC_SHA1_80', material, 'Client')
  expect([local.key[0], remote.key[0], local.salt[0], remote.salt[0]]).toEqual([0, 16, 32, 46])
  expect([local.key, remote.key, local.salt, remote.salt].map(({ length }) => length)).toEqual([16, 16, 14, 14])
})

test('material of another length is an error', () => {
  expect(() => masterKeysOf('AEAD_AES_256_GCM', Buffer.alloc(60), 'Client')).toThrow(RangeError)
})

test('the numbers of RFC 5764 4.1.2 and RFC 7714 14.2', () => {
  expect([1, 2, 7, 8].map(suiteOfProfile)).toEqual(suiteNames)
  expect(suiteOfProfile(5)).toBeUndefined()
})
