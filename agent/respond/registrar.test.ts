import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../../lib/log.ts'
import { ManualClock } from '../../lib/manual-clock.ts'
import { systemRandom } from '../../lib/random.ts'
import { startResponder } from './index.ts'
import type { Responder } from './index.ts'

/** A REGISTER as text over a bare socket: what is answered must be right on the wire, whatever our own client makes of it. */
interface Answer {
  code: number
  reason: string
  header(name: string): string[]
}

let responder: Responder
let time: ManualClock
let stack: AsyncDisposableStack
let send: (text: string) => Promise<Answer>
let count = 0

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  time = new ManualClock()
  responder = stack.use(
    await startResponder({
      listen: { host: '127.0.0.1', port: 0 },
      domain: 'ringcheck.test',
      accounts: [
        { username: '1001', password: 'secret' },
        { username: '1002', password: 'other' },
      ],
      clock: time,
      random: systemRandom,
      log: createLog({ name: 'test', level: 'silent' }),
    }),
  )
  const socket = createSocket('udp4')
  stack.defer(() => void socket.close())
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  send = async (text) => {
    const answered = once(socket, 'message')
    socket.send(text.replaceAll('OWN', `127.0.0.1:${socket.address().port}`), responder.port, '127.0.0.1')
    const [datagram] = await answered
    return readAnswer(String(datagram))
  }
})
afterEach(() => stack.disposeAsync())

function readAnswer(text: string): Answer {
  const [status = '', ...lines] = (text.split('\r\n\r\n')[0] ?? '').split('\r\n')
  const [, code = '', reason = ''] = /^SIP\/2\.0 (\d{3}) (.*)$/.exec(status) ?? []
  return {
    code: Number(code),
    reason,
    header: (name) =>
      lines
        .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
        .map((line) => line.slice(line.indexOf(':') + 1).trim()),
  }
}

interface Wish {
  user?: string
  /** Header lines such as Contact and Expires. */
  lines?: readonly string[]
  authorization?: string
  callId?: string
  cseq?: number
}

function register({ user = '1001', lines = [], authorization, callId = 'call', cseq = ++count }: Wish = {}): string {
  return [
    'REGISTER sip:ringcheck.test SIP/2.0',
    `Via: SIP/2.0/UDP OWN;rport;branch=z9hG4bK${++count}`,
    'Max-Forwards: 70',
    `From: <sip:${user}@ringcheck.test>;tag=1`,
    `To: <sip:${user}@ringcheck.test>`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} REGISTER`,
    ...lines,
    ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
}

const hashes = { MD5: 'md5', 'SHA-256': 'sha256' } as const

/** RFC 7616 3.4, computed here for itself. */
function credentials(challenge: string, username: string, password: string): string {
  const parameter = (name: string) => new RegExp(`${name}="?([^",]+)`).exec(challenge)?.[1] ?? ''
  const algorithm = parameter('algorithm') === 'SHA-256' ? 'SHA-256' : 'MD5'
  const hash = (text: string) => createHash(hashes[algorithm]).update(text).digest('hex')
  const [realm, nonce, uri] = [parameter('realm'), parameter('nonce'), 'sip:ringcheck.test']
  const secret = hash(`${username}:${realm}:${password}`)
  const response = hash(`${secret}:${nonce}:00000001:abc:auth:${hash(`REGISTER:${uri}`)}`)
  return `Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=${algorithm}, qop=auth, nc=00000001, cnonce="abc"`
}

/** Asks once without credentials and once with them. */
async function registerWith(wish: Wish, algorithm: keyof typeof hashes = 'MD5', password = 'secret'): Promise<Answer> {
  const challenges = (await send(register())).header('WWW-Authenticate')
  const challenge = challenges.find((each) => each.includes(`algorithm=${algorithm}`)) ?? ''
  return send(register({ ...wish, authorization: credentials(challenge, '1001', password) }))
}

const contact = 'Contact: <sip:1001@127.0.0.1:5099>'

describe('who may register', () => {
  test('nobody without a password: SHA-256 and MD5 are offered, the stronger first', async () => {
    const answer = await send(register({ lines: [contact] }))
    expect(answer.code).toBe(401)
    const challenges = answer.header('WWW-Authenticate')
    expect(challenges.map((each) => /algorithm=([^,]+)/.exec(each)?.[1])).toEqual(['SHA-256', 'MD5'])
    for (const each of challenges) expect(each).toMatch(/^Digest realm="ringcheck\.test"/)
  })

  test.each(['MD5', 'SHA-256'] as const)('an account with its password, by %s', async (algorithm) => {
    const answer = await registerWith({ lines: [contact, 'Expires: 300'] }, algorithm)
    expect(answer).toMatchObject({ code: 200, reason: 'OK' })
    expect(answer.header('Contact')).toEqual(['<sip:1001@127.0.0.1:5099>;expires=300'])
    expect(answer.header('Authentication-Info')[0]).toMatch(
      /^rspauth="[\da-f]{32,64}", cnonce="abc", nc=00000001, qop=auth$/,
    )
  })

  test('not the same credentials twice', async () => {
    const [challenge = ''] = (await send(register())).header('WWW-Authenticate')
    const again = { lines: [contact], authorization: credentials(challenge, '1001', 'secret') }
    expect((await send(register(again))).code).toBe(200)
    const answer = await send(register(again))
    expect([answer.code, answer.header('WWW-Authenticate')[0]]).toEqual([401, expect.stringContaining('stale=true')])
  })

  test('not with a wrong password: it is asked again', async () => {
    expect((await registerWith({ lines: [contact] }, 'MD5', 'wrong')).code).toBe(401)
  })

  test('not an unknown user', async () => {
    expect(await send(register({ user: 'nobody' }))).toMatchObject({ code: 403, reason: 'No such account' })
  })

  test('not a user with the password of another', async () => {
    expect(await registerWith({ user: '1002' })).toMatchObject({ code: 403, reason: 'Not your account' })
  })

  test('not with a nonce that we did not make', async () => {
    const challenge = 'Digest realm="ringcheck.test", nonce="abc.def", algorithm=MD5'
    const answer = await send(register({ authorization: credentials(challenge, '1001', 'secret') }))
    expect(answer.code).toBe(401)
  })
})

describe('a nonce', () => {
  const challenge = async () =>
    (await send(register())).header('WWW-Authenticate').find((each) => /=MD5/.test(each)) ?? ''

  test('is good for five minutes, and what is older is called stale, so that the password is not asked for again', async () => {
    const authorization = credentials(await challenge(), '1001', 'secret')
    await time.advance(299_000)
    expect((await send(register({ authorization }))).code).toBe(200)
    await time.advance(2_000)
    const answer = await send(register({ authorization }))
    expect(answer.code).toBe(401)
    for (const each of answer.header('WWW-Authenticate')) expect(each).toContain('stale=true')
  })

  test('that is old does not make a wrong password stale', async () => {
    const authorization = credentials(await challenge(), '1001', 'wrong')
    await time.advance(301_000)
    const answer = await send(register({ authorization }))
    expect(answer.code).toBe(401)
    for (const each of answer.header('WWW-Authenticate')) expect(each).not.toContain('stale')
  })
})

describe('the bindings', () => {
  test('grow old and go', async () => {
    await registerWith({ lines: [contact, 'Expires: 60'] })
    await time.advance(20_500)
    expect((await registerWith({})).header('Contact')).toEqual(['<sip:1001@127.0.0.1:5099>;expires=40'])
    await time.advance(39_500)
    expect((await registerWith({})).header('Contact')).toEqual([])
  })

  test('are all named in each 200, also when nothing is asked for', async () => {
    await registerWith({ lines: [contact, 'Expires: 60'] })
    await registerWith({ lines: ['Contact: <sip:1001@127.0.0.1:5098>;expires=90'], callId: 'desk' })
    const answer = await registerWith({})
    expect(answer.header('Contact')).toEqual([
      '<sip:1001@127.0.0.1:5098>;expires=90',
      '<sip:1001@127.0.0.1:5099>;expires=60',
    ])
  })

  test('the parameter of a contact counts before the Expires header, and an hour is the most', async () => {
    const lines = ['Contact: <sip:1001@127.0.0.1:5099>;expires=7200, <sip:1001@127.0.0.1:5098>', 'Expires: 40']
    expect((await registerWith({ lines })).header('Contact')).toEqual([
      '<sip:1001@127.0.0.1:5099>;expires=3600',
      '<sip:1001@127.0.0.1:5098>;expires=40',
    ])
  })

  test('without a wish, or with one that is no number, last an hour', async () => {
    const lines = ['Contact: <sip:1001@127.0.0.1:5099>;expires=soon, <sip:1001@127.0.0.1:5098>']
    expect((await registerWith({ lines })).header('Contact')).toEqual([
      '<sip:1001@127.0.0.1:5099>;expires=3600',
      '<sip:1001@127.0.0.1:5098>;expires=3600',
    ])
  })

  test('shorter than 30 s are refused with 423 and Min-Expires', async () => {
    const answer = await registerWith({ lines: [contact, 'Expires: 29'] })
    expect(answer.code).toBe(423)
    expect(answer.header('Min-Expires')).toEqual(['30'])
    expect((await registerWith({})).header('Contact')).toEqual([])
  })

  test('go with expires 0, one by one or all at once', async () => {
    await registerWith({ lines: [`${contact}, <sip:1001@127.0.0.1:5098>`] })
    const one = await registerWith({ lines: [`${contact};expires=0`] })
    expect(one.header('Contact')).toHaveLength(1)
    const all = await registerWith({ lines: ['Contact: *', 'Expires: 0'] })
    expect(all.code).toBe(200)
    expect(all.header('Contact')).toEqual([])
  })

  test.each([[['Contact: *']], [['Contact: *', 'Expires: 60']], [['Contact: *, <sip:1001@127.0.0.1>', 'Expires: 0']]])(
    '%j is refused',
    async (lines) => {
      await registerWith({ lines: [contact] })
      expect((await registerWith({ lines })).code).toBe(400)
      expect((await registerWith({})).header('Contact')).toHaveLength(1)
    },
  )

  test('a REGISTER that is older than the last one of its Call-ID changes nothing', async () => {
    await registerWith({ lines: [contact], callId: 'phone', cseq: 10 })
    expect((await registerWith({ lines: ['Contact: *', 'Expires: 0'], callId: 'phone', cseq: 9 })).code).toBe(500)
    expect((await registerWith({})).header('Contact')).toHaveLength(1)
  })

  test.each(['Contact: mailto:1001@example.com', 'Contact: <sip:1001@127.0.0.1', 'Contact: hello'])(
    '%s is refused',
    async (line) => expect((await registerWith({ lines: [line] })).code).toBe(400),
  )
})
