import { describe, expect, test } from 'vitest'
import { renderLadder } from './ladder.ts'
import { type Recorded, redact, Trace } from './trace.ts'

function message(changes: Partial<Recorded>): Recorded {
  const { text = 'OPTIONS sip:bob@example.com SIP/2.0\r\n\r\n', ...rest } = changes
  return {
    at: Date.UTC(2026, 0, 1),
    monotonic: 0,
    direction: 'Out',
    local: '192.0.2.1:5062',
    remote: { host: '192.0.2.2', port: 5060, transport: 'UDP' },
    retransmission: false,
    text,
    ...rest,
  }
}

describe('a trace', () => {
  test('keeps messages in their order and as they were', () => {
    const trace = new Trace()
    trace.record(message({ text: 'A sip:a SIP/2.0\r\nX: ü\r\n\r\n' }))
    trace.record(message({ direction: 'In', text: 'SIP/2.0 200 OK\r\n\r\n' }))
    expect(trace.messages.map(({ text }) => text)).toEqual([
      'A sip:a SIP/2.0\r\nX: ü\r\n\r\n',
      'SIP/2.0 200 OK\r\n\r\n',
    ])
    expect(trace.truncated).toBe(false)
  })

  test.each([
    { messages: 2, bytes: 1000 },
    { messages: 100, bytes: 90 },
  ])('is bounded: %j', (limits) => {
    const trace = new Trace(limits)
    for (let count = 0; count < 3; count++) trace.record(message({}))
    expect(trace.messages).toHaveLength(2)
    expect(trace.truncated).toBe(true)
  })
})

describe('redaction', () => {
  const secrets = ['0a1b2c', 'n-1', 'c-1', 'dXNlcjpwdw==']
  test.each([
    'Authorization: Digest username="u", nonce="n-1", cnonce="c-1", response="0a1b2c", uri="sip:x"',
    'proxy-authorization : Digest username="u", response=0a1b2c,nonce = "n-1", uri="sip:x"',
    'Authorization: Digest username="u",\r\n response="0a1b2c",\r\n\tnonce="n-1", uri="sip:x"',
    'AUTHORIZATION: Digest uri="sip:x", username="u", response="0a1b2c',
    'Authorization: Basic dXNlcjpwdw==',
  ])('takes the secrets out of %j', (header) => {
    const text = redact(`REGISTER sip:x SIP/2.0\r\n${header}\r\nTo: <sip:x>\r\n\r\n`)
    for (const secret of secrets) expect(text).not.toContain(secret)
    expect(text).toContain('\r\nTo: <sip:x>\r\n')
    expect(text.includes('username="u"')).toBe(header.includes('username="u"'))
  })

  test('leaves a challenge as it is', () => {
    const challenge = 'SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", nonce="n-1"\r\n\r\n'
    expect(redact(challenge)).toBe(challenge)
  })

  test('keys of media are hidden, and the body stays as long as its Content-Length says', () => {
    const line = 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4'
    const message = `INVITE sip:x SIP/2.0\r\n\r\nv=0\r\n${line}\r\na=sendrecv\r\n`
    const text = redact(message)
    expect(text).not.toContain('WVNf')
    expect(text).toContain(`inline:${'x'.repeat(40)}|2^20|1:4\r\na=sendrecv`)
    expect(text).toHaveLength(message.length)
  })
})

describe('the ladder', () => {
  test('says of a message with a long first line, too, that it was sent again', () => {
    const trace = new Trace()
    const text = `INVITE sip:${'b'.repeat(80)}@example.com SIP/2.0\r\n\r\n`
    trace.record(message({ retransmission: true, text }))
    expect(renderLadder(trace).split('\n')[3]).toMatch(/\|- INVITE sip:b+\.\.\. \(again\) -+>\|$/)
  })

  test('shows each message with its time and way, then the messages', () => {
    const trace = new Trace()
    trace.record(message({ text: 'INVITE sip:bob@example.com SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n' }))
    trace.record(message({ monotonic: 500, retransmission: true, text: 'INVITE sip:bob@example.com SIP/2.0\r\n\r\n' }))
    trace.record(
      message({
        monotonic: 512.34,
        direction: 'In',
        text: 'SIP/2.0 180 Ringing\r\nCSeq: 1 INVITE\r\nTo: <sip:b>\r\n\r\n',
      }),
    )
    const lines = renderLadder(trace).split('\n')
    expect(lines[0]).toBe('2026-01-01T00:00:00.000Z')
    expect(lines[1]).toMatch(/192\.0\.2\.1:5062 +192\.0\.2\.2:5060 \(UDP\)$/)
    expect(lines[3]).toMatch(/^ +\+0\.0 ms \|-+ INVITE sip:bob@example\.com -+>\|$/)
    expect(lines[4]).toMatch(/^ +\+500\.0 ms \|-+ INVITE sip:bob@example\.com \(again\) -+>\|$/)
    expect(lines[5]).toMatch(/^ +\+512\.3 ms \|<-+ 180 Ringing \(INVITE\) -+\|$/)
    expect(lines).toContain('--- 3. 2026-01-01T00:00:00.000Z UDP 192.0.2.2:5060 -> 192.0.2.1:5062')
    expect(lines).toContain('To: <sip:b>')
  })

  test('gives each peer a line, and all rows end at the same place', () => {
    const trace = new Trace()
    trace.record(message({}))
    trace.record(
      message({ remote: { host: '192.0.2.3', port: 5060, transport: 'TCP' }, text: 'BYE sip:c SIP/2.0\r\n\r\n' }),
    )
    const rows = renderLadder(trace).split('\n').slice(2, 5)
    expect(new Set(rows.map((row) => row.length)).size).toBe(1)
    expect(rows[1]).toMatch(/OPTIONS.*>\| +\|$/)
    expect(rows[2]).toMatch(/BYE.*>\|$/)
  })

  test('says that something is missing, and that nothing came', () => {
    expect(renderLadder({ messages: [], truncated: false })).toMatch(/^No message/)
    const trace = new Trace({ messages: 1, bytes: 1000 })
    trace.record(message({}))
    trace.record(message({}))
    expect(renderLadder(trace)).toContain('More messages came than are kept')
  })
})
