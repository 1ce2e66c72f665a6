import { describe, expect, test } from 'vitest'
import type { Failure } from '../sip/index.ts'
import { triedOf, withAttempts } from './attempts.ts'

const at = (host: string, why: Failure) => triedOf({ remote: { host, port: 5060, transport: 'UDP' }, why })
const silent: Failure = { kind: 'NoResponse' }

describe('servers that were asked in vain', () => {
  test.each<[Failure, string]>([
    [silent, 'said nothing'],
    [{ kind: 'NoFinalResponse', code: 180 }, 'said no more than 180'],
    [{ kind: 'Rejected', code: 503, reason: 'Service Unavailable' }, 'answered 503 Service Unavailable'],
    [{ kind: 'Rejected', code: 302, reason: '' }, 'answered 302'],
    [{ kind: 'ConnectFailed', detail: 'ECONNREFUSED' }, 'could not be connected to (ECONNREFUSED)'],
    [
      { kind: 'TlsFailed', detail: 'the certificate has expired' },
      'could not be trusted (the certificate has expired)',
    ],
    [{ kind: 'DnsFailed', detail: 'there is no A record' }, 'was not found (there is no A record)'],
  ])('%j: it %s', (why, said) => {
    expect(withAttempts('It is so.', [at('192.0.2.1', why)])).toBe(`It is so, after 192.0.2.1:5060 UDP ${said}.`)
  })

  test('are named in their order, an address of IPv6 in brackets', () => {
    const message = withAttempts('It is so.', [at('2001:db8::1', silent), at('192.0.2.1', silent)])
    expect(message).toBe('It is so, after [2001:db8::1]:5060 UDP said nothing, 192.0.2.1:5060 UDP said nothing.')
  })

  test('are counted when they are many', () => {
    const many = Array.from({ length: 8 }, (_, index) => at(`192.0.2.${index}`, silent))
    expect(withAttempts('It is so.', many)).toMatch(/192\.0\.2\.2:5060 UDP said nothing, 5 more had no success\.$/)
  })

  test('without any the message is what it was', () => {
    expect(withAttempts('It is so.', [])).toBe('It is so.')
  })

  test('what a peer says is kept short', () => {
    const long = at('192.0.2.1', { kind: 'Rejected', code: 503, reason: 'x'.repeat(60_000) })
    expect(withAttempts('It is so.', [long]).length).toBeLessThan(300)
  })
})
