import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { createServer as createTls, type TlsOptions } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { certificateAuthority } from '../../../test/lab/certificates.ts'
import type { TlsSettings } from '../engine.ts'
import { ANSWER, AUTHORITY, engine, inviteOptions, listening, listeningAt, optionsTo, portOf, titles } from './lab.ts'

const OTHER = await certificateAuthority()
const DAY = 86_400_000

/** OPTIONS over TLS with these settings. */
function ask(port: number, tls: TlsSettings, host = '127.0.0.1') {
  const options = optionsTo(port, 'TLS', { host })
  return { ...options, party: { ...options.party, nextHop: { host, port, transport: 'TLS' as const, tls } } }
}

/** A server that shakes hands and says nothing. */
async function serverWith(options: TlsOptions): Promise<AsyncDisposable & { port: number }> {
  const server = createTls(options, (socket) => socket.on('error', () => {}))
  return listen(server)
}

async function listen(server: ReturnType<typeof createServer>): Promise<AsyncDisposable & { port: number }> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = listeningAt(server)
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.close()
    },
  }
}

const ca = AUTHORITY.ca

describe('the certificate of a peer', () => {
  test('is told with the answer, with the call and with the registration', async () => {
    await using theirs = await listening('TLS')
    await using ours = await engine()
    using _bob = theirs.onInvite('bob', (incoming) => void incoming.answer(ANSWER))
    const port = portOf(theirs, 'TLS')
    const certificate = { subject: 'CN=localhost', validTo: expect.any(Number) as number }
    expect(await ours.options(ask(port, { ca, verify: 'Full' }))).toMatchObject({ kind: 'Answered', certificate })
    const outgoing = ours.invite(inviteOptions(port, 'TLS'))
    const outcome = await outgoing.outcome
    if (outcome.kind !== 'Answered') throw new Error(outcome.kind)
    expect(outcome.call.certificate).toMatchObject(certificate)
    const left = (outcome.call.certificate?.validTo ?? 0) - Date.now()
    expect([left > 0, left < 2 * DAY]).toEqual([true, true])
    await outcome.call.bye()
  })

  test.each<[string, TlsSettings]>([
    ['of our authority and for its address', { ca, verify: 'Full' }],
    ['of our authority and for the name that is asked for', { ca, serverName: 'localhost', verify: 'Full' }],
    ['for another name, when only the chain counts', { ca, serverName: 'sip.example.com', verify: 'CA' }],
    ['of an authority that nobody knows, when nothing counts', { verify: 'None' }],
  ])('is taken: %s', async (_, tls) => {
    await using theirs = await listening('TLS')
    await using ours = await engine()
    const outcome = await ours.options(ask(portOf(theirs, 'TLS'), tls))
    expect(outcome).toMatchObject({ kind: 'Answered', code: 200 })
  })

  test.each<[string, TlsSettings, string]>([
    ['for another name', { ca, serverName: 'sip.example.com', verify: 'Full' }, 'another name'],
    ['of an authority that is not ours', { ca: OTHER.ca, verify: 'CA' }, 'authority that is not trusted'],
    ['of an authority that nobody knows', { verify: 'Full' }, 'authority that is not trusted'],
  ])('is refused: %s', async (_, tls, detail) => {
    await using theirs = await listening('TLS')
    await using ours = await engine()
    const outcome = await ours.options(ask(portOf(theirs, 'TLS'), tls))
    expect(outcome).toMatchObject({ kind: 'TlsFailed', detail: expect.stringContaining(detail) as string })
    expect(ours.gauges.transactions).toBe(0)
  })

  test('is refused when it has expired', async () => {
    await using ours = await engine()
    const old = await AUTHORITY.issue(['127.0.0.1'], Date.now() - 1_000)
    await using expired = await serverWith({ cert: old.certificate, key: old.key })
    expect(await ours.options(ask(expired.port, { ca, verify: 'CA' }))).toMatchObject({
      kind: 'TlsFailed',
      detail: 'the certificate has expired',
    })
  })
})

describe('a server that asks for a certificate', () => {
  test('has ours, and takes no other', async () => {
    await using theirs = await listening('TLS', {
      identity: { ...(await AUTHORITY.issue(['127.0.0.1'])), clientCa: OTHER.ca },
    })
    await using ours = await engine()
    const port = portOf(theirs, 'TLS')
    const known = await OTHER.issue(['ringcheck'])
    const stranger = await AUTHORITY.issue(['ringcheck'])
    const answered = await ours.options(ask(port, { ca, verify: 'Full', certificate: known }))
    expect(answered).toMatchObject({ kind: 'Answered', code: 200 })
    expect(await ours.options(ask(port, { ca, verify: 'Full' }))).toMatchObject({
      kind: 'TlsFailed',
      detail: 'the peer wants a certificate of ours',
    })
    // This server closes without an alert.
    const unknown = await ours.options(ask(port, { ca, verify: 'Full', certificate: stranger }))
    expect(unknown).toMatchObject({ kind: 'ConnectFailed' })
    expect(await ours.invite({ ...inviteOptions(port, 'TLS') }).outcome).toMatchObject({ kind: 'TlsFailed' })
  })
})

describe('no TLS', () => {
  test('is told apart from nobody who listens', async () => {
    await using ours = await engine({ limits: { handshake: 200 } })
    await using theirs = await engine()
    const tls = { ca, verify: 'Full' } as const
    expect(await ours.options(ask(theirs.ports.TCP, tls))).toMatchObject({
      kind: 'TlsFailed',
      detail: 'no handshake within 200 ms',
    })
    await using chatty = await listen(createServer((socket) => void socket.end('220 mail.example.com\r\n')))
    expect(await ours.options(ask(chatty.port, tls))).toMatchObject({
      kind: 'TlsFailed',
      detail: 'the peer does not speak TLS there',
    })
    const closed = chatty.port
    await chatty[Symbol.asyncDispose]()
    expect(await ours.options(ask(closed, tls))).toMatchObject({ kind: 'ConnectFailed' })
  })
})

test('who trusts others, or is another, has a connection of its own', async () => {
  await using theirs = await listening('TLS')
  await using ours = await engine()
  const port = portOf(theirs, 'TLS')
  const certificate = await OTHER.issue(['ringcheck'])
  const local = async (tls: TlsSettings): Promise<string> => {
    const options = ask(port, tls)
    await ours.options(options)
    return options.trace.messages[0]?.local ?? ''
  }
  const first = await local({ ca, verify: 'Full' })
  expect(await local({ ca, verify: 'Full' })).toBe(first)
  const second = await local({ ca, verify: 'CA' })
  const third = await local({ ca, verify: 'Full', certificate })
  expect(new Set([first, second, third]).size).toBe(3)
  expect(await local({ ca, verify: 'CA' })).toBe(second)
})

test('garbage before the handshake closes that connection alone', async () => {
  await using theirs = await listening('TLS')
  await using ours = await engine()
  const port = portOf(theirs, 'TLS')
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write('OPTIONS sip:bob@127.0.0.1 SIP/2.0\r\n\r\n')
  socket.resume()
  await once(socket, 'close')
  const options = ask(port, { ca, verify: 'Full' })
  expect(await ours.options(options)).toMatchObject({ kind: 'Answered' })
  expect(titles(options.trace)).toEqual(['> OPTIONS', '< 200 OPTIONS'])
})
