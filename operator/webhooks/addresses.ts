/** Which addresses a webhook may be sent to: public ones, and those that the configuration allows. Its users name the URL, and must not reach through us what they cannot reach themselves. */
import { lookup as systemLookup } from 'node:dns'
import { BlockList, isIP, isIPv6 } from 'node:net'
import type { LookupFunction } from 'node:net'

/** Says of an IP address what it is, where that is a reason not to send there; undefined: it may be sent to. */
export type AddressCheck = (address: string) => string | undefined

/** Networks, in CIDR, of this machine. */
export const LOOPBACK = ['127.0.0.0/8', '::1/128'] as const
/** RFC 1918, 6598 and 4193: where clusters and offices are. */
export const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'] as const

/** Where clouds tell their machines and containers secrets: AWS and most others, AWS and Google over IPv6, Alibaba, Azure, Oracle. */
const METADATA = [
  ...['169.254.169.254/32', '169.254.170.2/32', '169.254.170.23/32', 'fd00:ec2::254/128', 'fd00:ec2::23/128'],
  ...['fd20:ce::254/128', '100.100.100.200/32', '168.63.129.16/32', '192.0.0.192/32'],
]

/** From the IANA registries of special-purpose addresses (RFC 6890); the first that matches names it. */
const groups: ReadonlyArray<{ what: string; networks: BlockList }> = [
  { what: 'this machine', networks: listOf([...LOOPBACK, '0.0.0.0/8', '::/128']) },
  { what: 'a link-local address', networks: listOf(['169.254.0.0/16', 'fe80::/10']) },
  { what: 'a private network', networks: listOf([...PRIVATE, 'fec0::/10', '64:ff9b:1::/48']) },
  {
    what: 'an address that is no host of the internet',
    // Multicast, reserved, IETF, benchmarks; 6to4, Teredo, IPv4-compatible and IPv4-translated addresses, which hide another one.
    networks: listOf([
      ...['224.0.0.0/4', '240.0.0.0/4', '192.0.0.0/24', '198.18.0.0/15'],
      ...['ff00::/8', '2002::/16', '2001::/32', '::/96', '::ffff:0:0:0/96', '100::/64'],
    ]),
  },
]
const metadata = listOf(METADATA)

/** @param allowed networks in CIDR; metadata services stay out of reach. Throws where one is none. */
export function createAddressCheck(allowed: readonly string[]): AddressCheck {
  const exceptions = listOf(allowed)
  return (text) => {
    const address = embedded(text)
    if (isIn(metadata, address)) return 'a metadata service'
    if (isIn(exceptions, address)) return undefined
    return groups.find(({ networks }) => isIn(networks, address))?.what
  }
}

/** What resolves to a forbidden address; the name is the caller's, the address stays with us. */
export class ForbiddenAddress extends Error {
  override readonly name = 'ForbiddenAddress'
}

/**
 * For `net.connect` and `tls.connect`: what is connected to is what was checked, since nobody resolves the name again in between.
 * One forbidden address among several is enough to refuse: a public name has no business in a private network.
 */
export function checkedLookup(check: AddressCheck, lookup: LookupFunction = systemLookup): LookupFunction {
  return (hostname, options, callback) =>
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const addresses = typeof found === 'string' ? [{ address: found, family: isIPv6(found) ? 6 : 4 }] : found
      if (error) return callback(error, [])
      const what = addresses.map(({ address }) => check(address)).find((each) => each !== undefined)
      if (what !== undefined) return callback(new ForbiddenAddress(`the URL points to ${what}`), [])
      const [first] = addresses
      if (options.all || !first) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
}

/**
 * Without its zone; of NAT64 (RFC 6052) the IPv4 address that it stands for, in the form in which BlockList compares it. What has one
 * group or none after the prefix is of 0.0.0.0/16.
 */
function embedded(address: string): string {
  return address
    .replace(/%.*$/, '')
    .replace(/^64:ff9b::(?=.+:)/, '::ffff:')
    .replace(/^64:ff9b::/, '::')
}

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix = ''] = network.split('/')
    if (isIP(address) === 0 || !/^\d{1,3}$/.test(prefix)) throw new Error(`${network} is no network in CIDR notation`)
    list.addSubnet(address, Number(prefix), isIPv6(address) ? 'ipv6' : 'ipv4')
  }
  return list
}
