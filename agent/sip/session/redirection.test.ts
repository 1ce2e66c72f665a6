import { expect, test } from 'vitest'
import { Headers } from '../message/headers.ts'
import { destinations } from './redirection.ts'

test('who is named by a 3xx is trusted as the first hop was, by the name that it has itself', () => {
  const headers = new Headers()
  headers.add('Contact', '<sip:bob@two.example;transport=tls>')
  const tls = { ca: 'a certificate', serverName: 'one.example', verify: 'Full' } as const
  const nextHop = { host: '192.0.2.1', transport: 'TLS', tls } as const
  const party = { aor: 'sip:alice@one.example', contactUser: 'alice', nextHop, outboundProxy: false }
  const response = {
    kind: 'Response',
    version: 'SIP/2.0',
    code: 302,
    reason: 'Moved',
    headers,
    body: '',
  } as const
  const [only] = destinations(response, { uri: 'sip:bob@one.example', party })
  expect(only?.party.nextHop).toEqual({
    host: 'two.example',
    transport: 'TLS',
    tls: { ca: 'a certificate', verify: 'Full' },
  })
})
