/** TLS to a real server: whom we trust, who we are, which name we ask for, and what the certificate says. */
import { expect, test } from 'vitest'
import { certificateAuthority } from '../../lab/certificates.ts'
import { shows } from '../../lab/features.ts'
import { type Kamailio, kamailio } from '../../lab/kamailio.ts'
import * as agents from './agents.ts'

const authority = await certificateAuthority()
const stranger = await certificateAuthority()
const identity = await authority.issue(['127.0.0.1'])
const elsewhere = await authority.issue(['elsewhere.lab.test'])

/** OPTIONS over TLS with these settings. */
async function asked(lab: Kamailio, tls: NonNullable<agents.Hop['tls']>, transport: 'TLS' | 'WSS' = 'TLS') {
  await using ours = await agents.engine()
  const party = agents.account(lab, 'alice', { port: lab.tlsPort, transport, tls })
  return await ours.options({ ...agents.request(party), target: `sip:${lab.host}:${lab.tlsPort}` })
}

const { ca } = authority

test('a private CA is trusted, a stranger is not', shows({ Kamailio: ['private-ca', 'verify-modes'] }), async () => {
  await using lab = await kamailio({ tls: { identity } })
  expect(await asked(lab, { ca, verify: 'Full' })).toMatchObject({ kind: 'Answered', code: 200 })
  expect(await asked(lab, { ca: stranger.ca, verify: 'Full' })).toMatchObject({ kind: 'TlsFailed' })
  expect(await asked(lab, { verify: 'Full' }, 'WSS')).toMatchObject({ kind: 'TlsFailed' })
})

test(
  'of a certificate for another name: Full refuses it, CA takes the chain, None takes anything',
  shows({ Kamailio: ['verify-modes'] }),
  async () => {
    await using lab = await kamailio({ tls: { identity: elsewhere } })
    expect(await asked(lab, { ca, verify: 'Full' })).toMatchObject({ kind: 'TlsFailed' })
    expect(await asked(lab, { ca, verify: 'CA' })).toMatchObject({ kind: 'Answered' })
    expect(await asked(lab, { ca: stranger.ca, verify: 'CA' })).toMatchObject({ kind: 'TlsFailed' })
    expect(await asked(lab, { ca: stranger.ca, verify: 'None' })).toMatchObject({ kind: 'Answered' })
  },
)

test('the server is asked for by name', shows({ Kamailio: ['sni'] }), async () => {
  const named = { name: 'elsewhere.lab.test', identity: elsewhere }
  await using lab = await kamailio({ tls: { identity, named } })
  const byName = await asked(lab, { ca, verify: 'Full', serverName: named.name })
  expect(byName).toMatchObject({ kind: 'Answered', certificate: { subject: `CN=${named.name}` } })
  expect(await asked(lab, { ca, verify: 'Full' })).toMatchObject({ certificate: { subject: 'CN=127.0.0.1' } })
})

test('a server that wants our certificate gets it', shows({ Kamailio: ['client-certificate'] }), async () => {
  await using lab = await kamailio({ tls: { identity, clientCa: ca } })
  const own = await authority.issue(['alice.lab.test'])
  for (const transport of ['TLS', 'WSS'] as const) {
    const accepted = await asked(lab, { ca, verify: 'Full', certificate: own }, transport)
    expect(accepted).toMatchObject({ kind: 'Answered', code: 200 })
    const refused = await asked(lab, { ca, verify: 'Full' }, transport)
    expect(['TlsFailed', 'ConnectFailed']).toContain(refused.kind)
  }
})

test(
  'when the certificate of the server expires is in the result',
  shows({ Kamailio: ['certificate-expiry'] }),
  async () => {
    // Certificates count in seconds.
    const validTo = (Math.floor(Date.now() / 1000) + 7_200) * 1000
    const soon = await authority.issue(['127.0.0.1'], validTo)
    await using lab = await kamailio({ tls: { identity: soon } })
    for (const transport of ['TLS', 'WSS'] as const) {
      const outcome = await asked(lab, { ca, verify: 'Full' }, transport)
      expect(outcome).toMatchObject({ kind: 'Answered', certificate: { subject: 'CN=127.0.0.1', validTo } })
    }
  },
)

test('an expired certificate is refused', shows({ Kamailio: ['certificate-expiry', 'verify-modes'] }), async () => {
  const expired = await authority.issue(['127.0.0.1'], Date.now() - 60_000)
  await using lab = await kamailio({ tls: { identity: expired } })
  const refused = await asked(lab, { ca, verify: 'Full' })
  expect(refused).toMatchObject({ kind: 'TlsFailed', detail: expect.stringMatching(/expired/i) })
})
