import { describe, expect, test } from 'vitest'
import type { Failure } from '../sip/index.ts'
import type { RequestMethod } from './classify.ts'
import { classify, classifyPath } from './classify.ts'

const rejected = (code: number): Failure => ({ kind: 'Rejected', code, reason: 'As You Like' })
const refused: Failure = { kind: 'AuthenticationFailed', code: 407, reason: 'Proxy Authentication Required' }
const silent: Failure = { kind: 'NoResponse' }
const unfinished: Failure = { kind: 'NoFinalResponse', code: 180 }
const nameless: Failure = { kind: 'DnsFailed', detail: 'ENOTFOUND' }
const closed: Failure = { kind: 'ConnectFailed', detail: 'ECONNREFUSED' }
const untrusted: Failure = { kind: 'TlsFailed', detail: 'the certificate has expired' }

describe('the class and the outcome of a request without success', () => {
  const rows: ReadonlyArray<[RequestMethod, Failure, failureClass: string, outcome: string]> = [
    ['INVITE', rejected(302), 'Rejected3xx', 'CallFailed'],
    ['INVITE', rejected(403), 'Rejected4xx', 'CallFailed'],
    ['INVITE', rejected(404), 'Rejected4xx', 'CallFailed'],
    ['INVITE', rejected(480), 'Rejected4xx', 'CallFailed'],
    ['INVITE', rejected(408), 'NoAnswer', 'Timeout'],
    ['INVITE', rejected(486), 'Busy', 'CallFailed'],
    ['INVITE', rejected(600), 'Busy', 'CallFailed'],
    ['INVITE', rejected(488), 'NegotiationFailed', 'NegotiationFailed'],
    ['INVITE', rejected(606), 'NegotiationFailed', 'NegotiationFailed'],
    ['INVITE', rejected(500), 'Rejected5xx', 'CallFailed'],
    ['INVITE', rejected(503), 'Rejected5xx', 'CallFailed'],
    ['INVITE', rejected(603), 'Rejected6xx', 'CallFailed'],
    ['INVITE', rejected(407), 'AuthenticationFailed', 'CallFailed'],
    ['INVITE', refused, 'AuthenticationFailed', 'CallFailed'],
    ['INVITE', silent, 'ResponseTimeout', 'Timeout'],
    ['INVITE', unfinished, 'NoAnswer', 'Timeout'],
    ['INVITE', nameless, 'Dns', 'CallFailed'],
    ['INVITE', closed, 'Connect', 'CallFailed'],
    ['INVITE', untrusted, 'Tls', 'CallFailed'],
    ['REGISTER', rejected(403), 'RegistrationRejected', 'RegistrationFailed'],
    ['REGISTER', rejected(408), 'RegistrationRejected', 'RegistrationFailed'],
    ['REGISTER', rejected(486), 'RegistrationRejected', 'RegistrationFailed'],
    ['REGISTER', rejected(503), 'RegistrationRejected', 'RegistrationFailed'],
    ['REGISTER', rejected(600), 'RegistrationRejected', 'RegistrationFailed'],
    ['REGISTER', rejected(401), 'AuthenticationFailed', 'RegistrationFailed'],
    ['REGISTER', refused, 'AuthenticationFailed', 'RegistrationFailed'],
    ['REGISTER', silent, 'RegistrationTimeout', 'RegistrationFailed'],
    ['REGISTER', unfinished, 'RegistrationTimeout', 'RegistrationFailed'],
    ['REGISTER', nameless, 'Dns', 'RegistrationFailed'],
    ['REGISTER', closed, 'Connect', 'RegistrationFailed'],
    ['REGISTER', untrusted, 'Tls', 'RegistrationFailed'],
    ['OPTIONS', rejected(302), 'Rejected3xx', 'CallFailed'],
    ['OPTIONS', rejected(408), 'Rejected4xx', 'CallFailed'],
    ['OPTIONS', rejected(486), 'Rejected4xx', 'CallFailed'],
    ['OPTIONS', rejected(503), 'Rejected5xx', 'CallFailed'],
    ['OPTIONS', rejected(606), 'Rejected6xx', 'CallFailed'],
    ['OPTIONS', refused, 'AuthenticationFailed', 'CallFailed'],
    ['OPTIONS', silent, 'ResponseTimeout', 'Timeout'],
    ['OPTIONS', unfinished, 'NoAnswer', 'Timeout'],
    ['OPTIONS', nameless, 'Dns', 'CallFailed'],
    ['OPTIONS', closed, 'Connect', 'CallFailed'],
  ]
  test.each(rows)('%s %j is %s, %s', (method, failure, failureClass, outcome) => {
    expect(classify(failure, method, 'sip:bob@example.com')).toMatchObject({ failureClass, outcome })
  })

  test('what we stopped ourselves is no failure', () => {
    expect(classify({ kind: 'Aborted' }, 'INVITE', 'sip:bob@example.com')).toBe('Stopped')
  })
})

describe('the message', () => {
  test('names the request, the target and the response', () => {
    expect(classify(rejected(486), 'INVITE', 'sip:bob@example.com')).toMatchObject({
      message: 'The INVITE to sip:bob@example.com was answered with 486 As You Like.',
      sip: { code: 486, reason: 'As You Like' },
    })
  })

  test('keeps a reason phrase without end short', () => {
    const failure: Failure = { kind: 'Rejected', code: 500, reason: 'x'.repeat(60_000) }
    const { message } = classify(failure, 'INVITE', 'sip:bob@example.com') as { message: string }
    expect(message.length).toBeLessThan(250)
  })
})

describe('the class of an answered call whose media has no path', () => {
  test.each([
    ['ICE', 'NoCandidatePair', 'NoMedia', 'ICE found no way to the other side'],
    ['ICE', 'ChecksFailed', 'NoMedia', 'ICE found no way to the other side'],
    ['ICE', 'Timeout', 'NoMedia', 'ICE found no way to the other side'],
    ['ICE', 'ConsentLost', 'MediaTimeout', 'ICE lost the way to the other side'],
    ['DTLS', 'Timeout', 'NoMedia', 'the DTLS handshake failed'],
    ['DTLS', 'FingerprintMismatch', 'NegotiationFailed', 'the DTLS handshake failed'],
    ['DTLS', 'NoCommonSuite', 'NegotiationFailed', 'the DTLS handshake failed'],
    ['DTLS', 'Alert', 'NegotiationFailed', 'the DTLS handshake failed'],
  ] as const)('%s %s is %s', (stage, reason, failureClass, said) => {
    const message = `The call was answered, but ${said} (${reason}: as it was).`
    expect(classifyPath({ stage, reason, detail: 'as it was' })).toEqual([failureClass, message])
  })
})
