import type { LookupFunction } from 'node:net'
import { describe, expect, test } from 'vitest'
import { checkedLookup, createAddressCheck, ForbiddenAddress, LOOPBACK, PRIVATE } from './addresses.ts'

const check = createAddressCheck([])

describe('an address', () => {
  test.each(['8.8.8.8', '203.0.113.9', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::808:808'])(
    '%s is one of the internet',
    (address) => expect(check(address)).toBeUndefined(),
  )

  test.each([
    ['127.0.0.1', 'this machine'],
    ['127.255.255.254', 'this machine'],
    ['0.0.0.0', 'this machine'],
    ['::1', 'this machine'],
    ['::', 'this machine'],
    ['::ffff:127.0.0.1', 'this machine'],
    ['169.254.1.1', 'a link-local address'],
    ['fe80::1', 'a link-local address'],
    ['fe80::1%eth0', 'a link-local address'],
    ['169.254.169.254', 'a metadata service'],
    ['::ffff:a9fe:a9fe', 'a metadata service'],
    ['fd00:ec2::254', 'a metadata service'],
    ['168.63.129.16', 'a metadata service'],
    ['10.96.0.1', 'a private network'],
    ['172.16.0.1', 'a private network'],
    ['192.168.178.1', 'a private network'],
    ['100.64.0.1', 'a private network'],
    ['fd12:3456::1', 'a private network'],
    ['::ffff:10.0.0.1', 'a private network'],
    ['64:ff9b::a00:1', 'a private network'],
    ['64:ff9b::', 'this machine'],
    ['64:ff9b::1', 'this machine'],
    ['::ffff:0:7f00:1', 'an address that is no host of the internet'],
    ['224.0.0.1', 'an address that is no host of the internet'],
    ['255.255.255.255', 'an address that is no host of the internet'],
    ['ff02::1', 'an address that is no host of the internet'],
    ['2002:a00:1::', 'an address that is no host of the internet'],
  ])('%s is %s', (address, what) => expect(check(address)).toBe(what))

  test('that is allowed may be sent to, but never a metadata service', () => {
    const allowing = createAddressCheck([...LOOPBACK, ...PRIVATE, '169.254.0.0/16'])
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.1', 'fd00::1', '169.254.1.1'])
      expect(allowing(address)).toBeUndefined()
    for (const address of ['169.254.169.254', '169.254.170.2', 'fd00:ec2::254', 'fd20:ce::254', '100.100.100.200'])
      expect(allowing(address)).toBe('a metadata service')
  })

  test('is allowed by a network, and nothing else is taken for one', () => {
    expect(createAddressCheck(['10.1.2.3/32'])('10.1.2.4')).toBe('a private network')
    expect(() => createAddressCheck(['10.0.0.0'])).toThrow('10.0.0.0 is no network in CIDR notation')
    expect(() => createAddressCheck(['everything/8'])).toThrow('everything/8 is no network')
  })
})

describe('a name', () => {
  /** What `checkedLookup` answers where the system finds these addresses. */
  function found(addresses: readonly string[], all: boolean): Promise<unknown> {
    const lookup: LookupFunction = (_hostname, _options, callback) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    return new Promise((resolve) =>
      checkedLookup(check, lookup)('hooks.example.com', { all }, (error, ...answer) => resolve(error ?? answer)),
    )
  }

  test('gives the addresses that were checked, in either form that a socket asks for', async () => {
    const two = ['203.0.113.1', '2001:db8::1']
    expect(await found(two, true)).toEqual([two.map((address, index) => ({ address, family: index === 0 ? 4 : 6 }))])
    expect(await found(two, false)).toEqual(['203.0.113.1', 4])
  })

  test('with one forbidden address among others is refused, and the address is not told', async () => {
    const refused = await found(['203.0.113.1', '10.0.0.7'], true)
    expect(refused).toBeInstanceOf(ForbiddenAddress)
    expect(String(refused)).toBe('ForbiddenAddress: the URL points to a private network')
  })
})
