import { randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { parseSecrets, signedHeaders } from './sign.ts'

const secret = (bytes = 32) => `whsec_${randomBytes(bytes).toString('base64')}`

describe('a signature', () => {
  const message = { id: 'evt_1', at: Date.now(), body: '{"a":"ü"}' }

  test('is accepted by the library of Standard Webhooks, with either secret of a rotation', () => {
    const [old, next] = [secret(), secret(24)]
    const headers = signedHeaders(message, [old, next])
    for (const each of [old, next]) expect(new Webhook(each).verify(message.body, headers)).toEqual({ a: 'ü' })
    expect(() => new Webhook(secret()).verify(message.body, headers)).toThrow('No matching signature found')
    expect(() => new Webhook(old).verify('{"a":"u"}', headers)).toThrow('No matching signature found')
  })

  test('is the one of a known message', () => {
    // `printf 'evt_1.1767225600.{}' | openssl dgst -sha256 -hmac ...` with 24 times the letter a as key.
    const known = `whsec_${Buffer.from('a'.repeat(24)).toString('base64')}`
    expect(signedHeaders({ id: 'evt_1', at: Date.UTC(2026, 0, 1) + 999, body: '{}' }, [known])).toEqual({
      'webhook-id': 'evt_1',
      'webhook-timestamp': '1767225600',
      'webhook-signature': 'v1,xqAZfsxRr0KPYwJeatMOjYqXZyAFAiTz88es76pR27k=',
    })
  })

  test('is left out without a secret', () => {
    expect(signedHeaders(message, [])).not.toHaveProperty('webhook-signature')
  })
})

describe('the text of a Secret', () => {
  test('holds one or several, apart by any white space', () => {
    const [one, two] = [secret(24), secret(64)]
    expect(parseSecrets(`${one}\n`)).toEqual({ secrets: [one] })
    expect(parseSecrets(` ${one} \n\t${two}`)).toEqual({ secrets: [one, two] })
  })

  test.each([
    ['empty', ' \n', 'the signing secret is empty'],
    [
      'without its prefix',
      randomBytes(32).toString('base64'),
      'the signing secret is not whsec_ and base64 of 24 to 64 bytes',
    ],
    ['too short', secret(23), 'the signing secret is not whsec_ and base64 of 24 to 64 bytes'],
    ['too long', secret(65), 'the signing secret is not whsec_ and base64 of 24 to 64 bytes'],
    ['with one bad word', `${secret()} hunter2`, 'the signing secret is not whsec_ and base64 of 24 to 64 bytes'],
  ])('%s is refused without showing it', (_what, text, problem) => {
    expect(parseSecrets(text)).toEqual({ problem })
  })
})
