/** Bodies of INFO, as gateways write them. */
import { expect, test } from 'vitest'
import { readDtmf, readDtmfRelay, writeDtmf, writeDtmfRelay } from './dtmf-info.ts'
import { DIGITS } from './telephone-event.ts'

test('every digit goes both ways', () => {
  for (const digit of DIGITS) {
    expect(readDtmfRelay(writeDtmfRelay({ digit, duration: 160 }))).toEqual({ digit, duration: 160 })
    expect(readDtmf(writeDtmf(digit))).toEqual({ digit })
  }
  expect(writeDtmfRelay({ digit: '5', duration: 250 })).toBe('Signal=5\r\nDuration=250\r\n')
})

test.each([
  ['Signal=5\r\nDuration=160\r\n', { digit: '5', duration: 160 }],
  ['Signal= 5\nDuration= 160', { digit: '5', duration: 160 }],
  ['signal = 11\r\nduration = 100\r\n', { digit: '#', duration: 100 }],
  ['Duration=90\r\nSignal=*\r\n', { digit: '*', duration: 90 }],
  ['Signal=d\r\n', { digit: 'D' }],
  ['Signal=5\r\nDuration=long\r\n', { digit: '5' }],
])('of application/dtmf-relay: %j', (body, digit) => {
  expect(readDtmfRelay(body)).toEqual(digit)
})

test.each([
  ['7', { digit: '7' }],
  ['10\r\n', { digit: '*' }],
  ['Signal=3\r\nDuration=120\r\n', { digit: '3', duration: 120 }],
])('of application/dtmf: %j', (body, digit) => {
  expect(readDtmf(body)).toEqual(digit)
})

test.each(['', 'Signal=\r\n', 'Signal=16\r\n', 'Signal=E\r\n', 'Signals=1', '55', 'Duration=100\r\n'])(
  'no digit is said by %j',
  (body) => {
    expect(readDtmfRelay(body)).toBeUndefined()
    expect(readDtmf(body)).toBeUndefined()
  },
)
