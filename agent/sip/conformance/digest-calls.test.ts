import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../lib/random.ts'
import { createDigestServer } from '../digest/digest-server.ts'
import type { Request } from '../message/message.ts'
import { ANSWER, fasterClock, inviteOptions, OFFER } from './lab.ts'
import { call, lab } from './odd-lab.ts'

/** A call through a proxy that wants digest with this protection of all that we send, to which we are known. */
async function challengedCall(protection: 'auth' | 'auth-int', prove: (proof: string) => string = (proof) => proof) {
  const all = await lab()
  const { ours, peer } = all
  const password = (user: string) => (user === 'alice' ? 'secret' : undefined)
  const digest = createDigestServer({
    clock: fasterClock(1),
    random: seededRandom(5),
    realm: 'ring',
    qop: [protection],
    password,
  })
  const verify = ({ method, headers, body }: Request) => digest.verify(method, headers.all('proxy-authorization'), body)
  const options = inviteOptions(peer.port, 'UDP')
  const credentials = { username: 'alice', password: 'secret' }
  const outgoing = ours.invite({ ...options, party: { ...options.party, credentials } })
  const first = await peer.request('INVITE')
  const headers = verify(first).headers.map(([, value]) => `Proxy-Authenticate: ${value}`)
  peer.reply(first, '407 Proxy Authentication Required', { headers })
  const second = await peer.request('INVITE')
  const verdict = verify(second)
  const proofs = verdict.headers.map(([, value]) => `Proxy-Authentication-Info: ${prove(value)}`)
  peer.reply(second, '200 OK', { body: ANSWER, headers: proofs })
  await peer.request('ACK')
  return { ...all, peer, verify, verdict, invite: second, call: call(await outgoing.outcome) }
}

describe('a proxy that wants digest of a call', () => {
  test('gets the body of INVITE and INFO under auth-int', async () => {
    await using all = await challengedCall('auth-int')
    expect(all.invite.body).toBe(OFFER)
    expect(all.verdict).toMatchObject({ kind: 'Authorized', username: 'alice' })
    void all.call.info('application/dtmf-relay', 'Signal=5\r\n')
    const info = await all.peer.request('INFO')
    expect(info.body).toBe('Signal=5\r\n')
    expect(all.verify(info).kind).toBe('Authorized')
    all.peer.reply(info, '200 OK')
    void all.call.bye()
    expect(all.verify(await all.peer.request('BYE')).kind).toBe('Authorized')
  })

  test.each([
    ['right', (proof: string) => proof, 0],
    ['wrong', (proof: string) => proof.replace(/rspauth="./, 'rspauth="x'), 1],
  ])('may prove that it knows the password: %s', async (_, prove, wrongProofs) => {
    await using all = await challengedCall('auth', prove)
    expect(all.call.counters).toMatchObject({ authenticationRounds: 1, wrongProofs })
    void all.call.bye()
    await all.peer.request('BYE')
  })
})
