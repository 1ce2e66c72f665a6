import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseNameAddress, parseUri, quote, splitList, tagOf, unescaped, unquote } from './uri.ts'

describe('a SIP URI', () => {
  test.each([
    ['sip:alice@atlanta.com', { scheme: 'sip', user: 'alice', host: 'atlanta.com' }],
    ['sip:alice:secretword@atlanta.com;transport=tcp', { user: 'alice', host: 'atlanta.com' }],
    ['sips:alice@atlanta.com?subject=project%20x&priority=urgent', { scheme: 'sips', user: 'alice' }],
    ['sip:+1-212-555-1212:1234@gateway.com;user=phone', { user: '+1-212-555-1212', host: 'gateway.com' }],
    ['sip:1212@gateway.com:5070', { user: '1212', port: 5070 }],
    ['sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com', { host: 'atlanta.com' }],
    ['sip:alice;day=tuesday@atlanta.com', { user: 'alice;day=tuesday', host: 'atlanta.com' }],
    ['SIP:[2001:db8::1]:5080;lr', { scheme: 'sip', host: '2001:db8::1', port: 5080 }],
    ['tel:+358-555-1234567;postd=pp22', { scheme: 'tel', user: '+358-555-1234567', host: '' }],
  ])('%s', (text, expected) => {
    expect(parseUri(text)).toMatchObject(expected)
  })

  test('parameters are found in any case, flags are empty', () => {
    const uri = parseUri('sip:a@b;Transport=TCP;lr')
    expect([...(uri?.parameters ?? [])]).toEqual([
      ['transport', 'TCP'],
      ['lr', ''],
    ])
  })

  test.each(['', 'sip:', 'sip:@', 'mailto:a@b', 'sip:a@b:99999', 'sip:a@b c<d'])('%j is none', (text) => {
    expect(parseUri(text)).toBeUndefined()
  })

  test('a user is unescaped when it can be', () => {
    expect(unescaped('%61lice%40home')).toBe('alice@home')
    expect(unescaped('100%')).toBe('100%')
  })
})

describe('a name-addr', () => {
  test.each([
    [
      '"A. G. Bell" <sip:agb@bell-telephone.com> ;tag=a48s',
      { displayName: 'A. G. Bell', uri: 'sip:agb@bell-telephone.com' },
    ],
    [
      'Anonymous <sip:c8oqz84zk7z@privacy.org>;tag=hyh8',
      { displayName: 'Anonymous', uri: 'sip:c8oqz84zk7z@privacy.org' },
    ],
    ['sip:+12125551212@server.phone2net.com;tag=887s', { uri: 'sip:+12125551212@server.phone2net.com' }],
    ['"a \\"b\\" <c>" <sip:d@e>', { displayName: 'a "b" <c>', uri: 'sip:d@e' }],
    ['<sip:a@b;lr>;q=0.5', { uri: 'sip:a@b;lr' }],
  ])('%s', (text, expected) => {
    expect(parseNameAddress(text)).toMatchObject(expected)
  })

  test('without brackets parameters are the header’s, with them the URI’s own stay inside', () => {
    expect(parseNameAddress('sip:a@b;expires=60')?.parameters.get('expires')).toBe('60')
    expect(parseNameAddress('<sip:a@b;expires=60>')?.parameters.size).toBe(0)
  })

  test.each([
    ['<sip:a@b>;tag=1', '1'],
    ['<sip:a@b;tag=2>;x=y;Tag = 3', '3'],
    ['sip:a@b;tag=4;x', '4'],
    ['<sip:a@b>', undefined],
    ['"tag;tag=5" <sip:a@b>', undefined],
    ['<sip:a@b>;tag=6;x', '6'],
    ['<sip:a@b>;tag=7, <sip:c@d>;tag=8', '8'],
    ['<sip:a@b>;tag=9 ;x', '9'],
    ['<sip:a@b>;tag=;tag=10', '10'],
    ['<sip:a@b>;tag=', undefined],
  ])('the tag of %s is %s', (text, tag) => {
    expect(tagOf(text)).toBe(tag)
  })
})

describe('lists', () => {
  test('commas in quotes and brackets separate nothing', () => {
    expect(splitList('"Bell, A" <sip:a,b@c>;q=1 , <sip:d@e>,, "x\\",y" <sip:f@g>')).toEqual([
      '"Bell, A" <sip:a,b@c>;q=1',
      '<sip:d@e>',
      '"x\\",y" <sip:f@g>',
    ])
  })

  test('quoting comes back as it was, but for line ends', () => {
    fc.assert(
      fc.property(
        fc.string().filter((each) => !/[\r\n]/.test(each)),
        (text) => unquote(quote(text)) === text,
      ),
    )
    expect(quote('a\r\nEvil: 1')).not.toMatch(/[\r\n]/)
  })

  test('no text makes any of them throw', () => {
    const noise = fc.string({
      unit: fc.constantFrom('"', '<', '>', ';', ',', '=', ':', '@', '\\', ' ', '%', '[', ']', 'a', 'tag', 'sip:', '1'),
    })
    fc.assert(
      fc.property(noise, (text) => {
        parseUri(text)
        parseNameAddress(text)
        unescaped(text)
        expect(splitList(text).every((each) => each.trim() !== '')).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })
})
