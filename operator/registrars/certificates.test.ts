import { describe, expect, test } from 'vitest'
import { certificateAuthority } from '../../test/lab/certificates.ts'
import { resolveTls } from './certificates.ts'

type Spec = Parameters<typeof resolveTls>[0]
const DAY = 86_400_000
const now = Date.now()

const authority = await certificateAuthority()
const lasting = await authority.issue(['alice'], now + 60 * DAY)
const ending = await authority.issue(['alice'], now + 3 * DAY)
const ended = await authority.issue(['alice'], now - DAY / 2)
const other = await authority.issue(['bob'])

type Identity = typeof lasting
const keyed = ({ certificate, key }: Identity) => ({ 'tls.crt': certificate, 'tls.key': key })
const resolve = (tls: object, all: Record<string, Record<string, string>>, more: object = {}) =>
  resolveTls({ domain: 'sip.example.com', tls, ...more } as unknown as Spec, (name) => Promise.resolve(all[name]), now)

const own = { clientCertificateRef: { name: 'own' } }
const trusted = { caRef: { name: 'authorities', key: 'ca.crt' } }

describe('a client certificate', () => {
  test('is taken from its Secret, with its key', async () => {
    const resolved = await resolve(own, { own: keyed(lasting) })
    expect(resolved).toEqual({ kind: 'Resolved', settings: { verify: 'Full', certificate: lasting } })
  })

  test('that expires within 14 days is taken, and that is said', async () => {
    const resolved = await resolve(own, { own: keyed(ending) })
    const on = new Date(now + 3 * DAY).toISOString().slice(0, 10)
    expect(resolved).toMatchObject({
      kind: 'Resolved',
      settings: { certificate: ending },
      expiring: `The certificate of the Secret own expires on ${on}.`,
    })
  })

  test.each<[reason: string, secrets: Record<string, Record<string, string>>]>([
    ['SecretMissing', {}],
    ['SecretKeyMissing', { own: { 'tls.key': lasting.key } }],
    ['SecretKeyMissing', { own: { 'tls.crt': lasting.certificate } }],
    ['InvalidCertificate', { own: { 'tls.crt': 'no certificate', 'tls.key': lasting.key } }],
    ['InvalidCertificate', { own: { 'tls.crt': lasting.certificate, 'tls.key': 'no key' } }],
    ['InvalidCertificate', { own: { 'tls.crt': lasting.certificate, 'tls.key': other.key } }],
    ['CertificateExpired', { own: keyed(ended) }],
  ])('is refused with %s', async (reason, secrets) => {
    const resolved = await resolve(own, secrets)
    expect(resolved).toMatchObject({ kind: 'Unresolved', reason })
    expect(JSON.stringify(resolved)).not.toContain('PRIVATE KEY')
  })
})

describe('authorities', () => {
  test('are taken from a key of a Secret', async () => {
    // Those of the lab live for a day.
    const resolved = await resolve({ ...trusted, verify: 'CA' }, { authorities: { 'ca.crt': authority.ca } })
    expect(resolved).toMatchObject({ kind: 'Resolved', settings: { ca: authority.ca, verify: 'CA' } })
    expect(resolved).toHaveProperty(
      'expiring',
      expect.stringMatching(/^The authority in the Secret authorities expires on \d{4}-\d\d-\d\d\.$/),
    )
  })

  test('may be several: one that has expired beside one that has not is no fault', async () => {
    const both = `${ended.certificate}\n${lasting.certificate}\n`
    const resolved = await resolve(trusted, { authorities: { 'ca.crt': both } })
    expect(resolved).toEqual({ kind: 'Resolved', settings: { ca: both, verify: 'Full' } })
  })

  test.each<[reason: string, secrets: Record<string, Record<string, string>>]>([
    ['SecretMissing', {}],
    ['SecretKeyMissing', { authorities: { other: authority.ca } }],
    ['InvalidCertificate', { authorities: { 'ca.crt': 'no certificate' } }],
    ['CertificateExpired', { authorities: { 'ca.crt': ended.certificate } }],
  ])('are refused with %s', async (reason, secrets) => {
    expect(await resolve(trusted, secrets)).toMatchObject({ kind: 'Unresolved', reason })
  })
})

describe('the name that is verified', () => {
  test.each([
    ['that of the host, as long as nobody says another', undefined, undefined],
    ['that of a proxy with a name of its own', 'sbc.example.net:5061;transport=tls', undefined],
    ['the domain, where an address pins the proxy', '192.0.2.1:5061;transport=tls', 'sip.example.com'],
    ['the domain, where an address of IPv6 does', '[2001:db8::1];transport=tls', 'sip.example.com'],
  ])('is %s', async (_, outboundProxy, serverName) => {
    const resolved = await resolve({}, {}, { outboundProxy })
    expect(resolved).toEqual({ kind: 'Resolved', settings: { verify: 'Full', ...(serverName && { serverName }) } })
  })

  test('is the one that is stated', async () => {
    const resolved = await resolve({ serverName: 'a.example' }, {}, { outboundProxy: '192.0.2.1' })
    expect(resolved).toMatchObject({ settings: { serverName: 'a.example' } })
  })
})
