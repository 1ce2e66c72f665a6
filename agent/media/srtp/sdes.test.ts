import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createKeyLine, type KeyLine, readKeyLine, suiteNames } from './index.ts'
import { seededOctets } from './packets.fixture.ts'
import { chooseKeyLine } from './sdes.ts'

const line = (change: Partial<KeyLine> = {}): KeyLine => ({
  ...createKeyLine(1, 'AES_CM_128_HMAC_SHA1_80', seededOctets(1)).line,
  ...change,
})

describe('a key line', () => {
  test.each(suiteNames)('of %s that we make gives back its key', (suite) => {
    const { line: made, master } = createKeyLine(3, suite, seededOctets(9))
    expect(made).toMatchObject({ tag: 3, suite })
    expect(readKeyLine(made)).toEqual({ kind: 'Usable', master, mki: Buffer.alloc(0) })
  })

  test('has a new key each time', () => {
    const octets = seededOctets(1)
    expect(createKeyLine(1, 'AEAD_AES_128_GCM', octets).line.key).not.toBe(
      createKeyLine(1, 'AEAD_AES_128_GCM', octets).line.key,
    )
  })

  test('the example of RFC 4568 4: key, lifetime and MKI', () => {
    const example = line({ key: 'WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz', lifetime: '2^20', mki: '1:4' })
    expect(readKeyLine(example)).toMatchObject({
      kind: 'Usable',
      master: { key: Buffer.from('YS___semctl () {'), salt: Buffer.from('\t220;}\n}\nunles') },
      mki: Buffer.from([0, 0, 0, 1]),
    })
  })

  test('may have a lifetime as a number, a window size and parameters that nobody need know', () => {
    expect(readKeyLine(line({ lifetime: '1048576', sessionParameters: 'WSH=64 -x' })).kind).toBe('Usable')
  })

  test.each<[Partial<KeyLine>, string, string]>([
    [{ suite: 'F8_128_HMAC_SHA1_80' }, 'UnknownSuite', 'F8_128_HMAC_SHA1_80'],
    [{ suite: 'toString' }, 'UnknownSuite', 'toString'],
    [{ key: 'YWJj' }, 'KeyLength', 'AES_CM_128_HMAC_SHA1_80 has 30 octets of key and salt, not 3'],
    [{ key: `${'A'.repeat(39)}!` }, 'KeyLength', 'AES_CM_128_HMAC_SHA1_80 has 30 octets of key and salt, not 29'],
    [{ lifetime: '0' }, 'Lifetime', '0'],
    [{ lifetime: '2^49' }, 'Lifetime', '2^49'],
    [{ lifetime: 'long' }, 'Lifetime', 'long'],
    [{ mki: '256:1' }, 'Mki', '256:1'],
    [{ mki: '1:129' }, 'Mki', '1:129'],
    [{ mki: '1:0' }, 'Mki', '1:0'],
    [{ mki: 'x' }, 'Mki', 'x'],
    [{ sessionParameters: 'KDR=1' }, 'SessionParameter', 'KDR=1'],
    [{ sessionParameters: 'WSH=64 UNENCRYPTED_SRTP' }, 'SessionParameter', 'UNENCRYPTED_SRTP'],
    [{ sessionParameters: 'UNENCRYPTED_SRTCP' }, 'SessionParameter', 'UNENCRYPTED_SRTCP'],
    [{ sessionParameters: 'UNAUTHENTICATED_SRTP' }, 'SessionParameter', 'UNAUTHENTICATED_SRTP'],
    [{ sessionParameters: 'FEC_ORDER=FEC_SRTP' }, 'SessionParameter', 'FEC_ORDER=FEC_SRTP'],
  ])('with %o is not usable: %s', (change, reason, detail) => {
    expect(readKeyLine(line(change))).toEqual({ kind: 'Unusable', reason, detail })
  })

  test('of any text gives an outcome', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^\d{1,320}:?\d{0,4}$/), fc.stringMatching(/^2\^\d{0,4}$/))
    const change = fc.record({ key: text, lifetime: text, mki: text, sessionParameters: text }, { requiredKeys: [] })
    fc.assert(
      fc.property(change, (parts) => {
        expect(['Usable', 'Unusable']).toContain(readKeyLine(line(parts)).kind)
      }),
    )
  })
})

describe('choosing', () => {
  const gcm = createKeyLine(2, 'AEAD_AES_256_GCM', seededOctets(2)).line

  test('from an offer: the first that is ours, in the order of the offer', () => {
    const offer = [line({ key: 'YWJj' }), gcm, line({ tag: 3 })]
    const choice = { role: 'Answerer', suites: suiteNames } as const
    expect(chooseKeyLine(offer, choice)).toMatchObject({ kind: 'Chosen', line: gcm })
    const only = { role: 'Answerer', suites: ['AES_CM_128_HMAC_SHA1_80'] } as const
    expect(chooseKeyLine(offer, only)).toMatchObject({ kind: 'Chosen', line: { tag: 3 } })
  })

  test('from an answer: what we offered under its tag', () => {
    const offered = [{ tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80' }, gcm]
    expect(chooseKeyLine([gcm], { role: 'Offerer', offered })).toMatchObject({ kind: 'Chosen', line: gcm })
    expect(chooseKeyLine([{ ...gcm, tag: 1 }], { role: 'Offerer', offered })).toEqual({
      kind: 'NoneUsable',
      detail: 'line 1: AEAD_AES_256_GCM is not ours',
    })
  })

  test('a reason for each line, or that there is none', () => {
    const choice = { role: 'Answerer', suites: suiteNames } as const
    expect(chooseKeyLine([], choice)).toEqual({ kind: 'NoneUsable', detail: 'there is no key' })
    expect(chooseKeyLine([line({ suite: 'X' }), line({ tag: 2, sessionParameters: 'KDR=3' })], choice)).toEqual({
      kind: 'NoneUsable',
      detail: 'line 1: UnknownSuite X; line 2: SessionParameter KDR=3',
    })
  })
})
