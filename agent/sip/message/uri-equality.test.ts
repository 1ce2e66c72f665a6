import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sameUri } from './uri-equality.ts'

/** The examples of RFC 3261 19.1.4, and some that are met. */
describe('two URIs', () => {
  test.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtlanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;security=on'],
    ['sip:carol@chicago.com;newparam=5', 'sip:carol@chicago.com;security=on'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    [
      'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
      'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
    ],
    ['sip:a%2Db@[2001:DB8::1]:5060', 'sip:a-b@[2001:db8::1]:5060'],
    ['sip:a%2f@host', 'sip:a%2F@host'],
  ])('%s and %s are the same', (one, other) => {
    expect([sameUri(one, other), sameUri(other, one)]).toEqual([true, true])
  })

  test.each([
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
    ['sip:bob@biloxi.com', 'sips:bob@biloxi.com'],
    ['sip:bob:one@biloxi.com', 'sip:bob:two@biloxi.com'],
    ['sip:a%40b@host', 'sip:a@b@host'],
    ['sip:host', 'nonsense'],
  ])('%s and %s are not', (one, other) => {
    expect([sameUri(one, other), sameUri(other, one)]).toEqual([false, false])
  })

  test('each is the same as itself, and no input makes it throw', () => {
    const noise = fc.string({
      unit: fc.constantFrom('sip:', '@', '%', '4', '0', ';', '=', '?', '&', 'a', ':', '[', ']'),
    })
    fc.assert(
      fc.property(noise, noise, (one, other) => {
        expect(sameUri(one, one)).toBe(true)
        expect(sameUri(one, other)).toBe(sameUri(other, one))
      }),
      { numRuns: 2000 },
    )
  })
})
