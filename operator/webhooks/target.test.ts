import { describe, expect, test } from 'vitest'
import { createAddressCheck, LOOPBACK } from './addresses.ts'
import { checkTarget, masked } from './target.ts'

const nothing = createAddressCheck([])
const loopback = createAddressCheck(LOOPBACK)

describe('a target', () => {
  test.each(['https://hooks.example.com/a?token=b', 'https://192.0.2.7:8443/', 'https://localhost.example.com/'])(
    '%s may be sent to',
    (url) => {
      expect(checkTarget(url, nothing)).toEqual({ url: new URL(url) })
    },
  )

  test.each([
    ['http://hooks.example.com/', 'http is not encrypted: the URL must be https'],
    ['http://localhost.example.com/', 'http is not encrypted: the URL must be https'],
    ['ftp://hooks.example.com/', 'ftp: is not https'],
    ['https://user:hunter2@hooks.example.com/', 'the URL holds credentials'],
    ['https://hooks example', 'the URL is not valid'],
    ['', 'the URL is not valid'],
  ])('%s may not, whatever is allowed', (url, refused) => {
    for (const check of [nothing, loopback]) expect(checkTarget(url, check)).toEqual({ refused })
  })

  test.each([
    'http://127.0.0.1:9000/hook',
    'http://localhost:9000/hook',
    'http://[::1]:9000/hook',
    'http://127.1/',
    'http://2130706433/',
    'http://[::ffff:127.0.0.1]/',
    'http://receiver.localhost./',
    'https://localhost/',
  ])('%s is this machine', (url) => {
    expect(checkTarget(url, loopback)).toEqual({ url: new URL(url) })
    expect(checkTarget(url, nothing)).toEqual({ refused: 'the URL points to this machine' })
  })

  test('is named in a log by scheme and host', () => {
    expect(masked('https://user:hunter2@hooks.example.com:8443/services/T0/secret?token=x#y')).toBe(
      'https://hooks.example.com:8443',
    )
    expect(masked('hunter2')).toBe('(no valid URL)')
  })
})
