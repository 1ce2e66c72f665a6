import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../lib/manual-clock.ts'
import { createAuthority } from './certificates.ts'

const clock = new ManualClock(Date.UTC(2026, 10, 21, 12))

describe('an authority', () => {
  test('issues what OpenSSL verifies against its certificate, each for one use', async () => {
    const authority = await createAuthority(clock)
    const ca = new X509Certificate(authority.ca)
    const server = new X509Certificate((await authority.issueServer('agent-0', ['127.0.0.1', '::1'])).certificate)
    const client = new X509Certificate((await authority.issueClient('operator')).certificate)

    expect(ca.ca).toBe(true)
    expect(server.verify(ca.publicKey)).toBe(true)
    expect(server.checkIssued(ca)).toBe(true)
    expect(server.checkIP('127.0.0.1')).toBe('127.0.0.1')
    expect(server.checkIP('127.0.0.2')).toBeUndefined()
    expect(server.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
    expect(client.verify(ca.publicKey)).toBe(true)
    expect(client.subject).toBe('CN=operator')
    expect(client.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
    expect([server.ca, client.ca]).toEqual([false, false])
  })

  test('is valid a little before now, for clocks that are behind', async () => {
    const { validFromDate, validToDate } = new X509Certificate((await createAuthority(clock)).ca)
    expect(validFromDate.getTime()).toBe(clock.now() - 300_000)
    expect(validToDate.getTime()).toBeGreaterThan(clock.now() + 365 * 86_400_000)
  })

  test('is another one each time: what one issued, the other does not accept', async () => {
    const [first, second] = await Promise.all([createAuthority(clock), createAuthority(clock)])
    const { certificate } = await first.issueClient('operator')
    expect(new X509Certificate(certificate).verify(new X509Certificate(second.ca).publicKey)).toBe(false)
  })
})
