import { expect, test } from 'vitest'
import { parseReferTo, parseReplaces, referTo, replacesValue } from './replaces.ts'

const replaces = { callId: '1;2@host', toTag: 'a', fromTag: 'b' }

test('a Refer-To carries the dialog that is to be replaced', () => {
  const whole = { callId: 'x@host', toTag: 'a', fromTag: 'b', earlyOnly: true }
  expect(replacesValue(whole)).toBe('x@host;to-tag=a;from-tag=b;early-only')
  const value = referTo('sip:bob@example.com;transport=tcp', whole)
  expect(value).toBe('<sip:bob@example.com;transport=tcp?Replaces=x%40host%3Bto-tag%3Da%3Bfrom-tag%3Db%3Bearly-only>')
  expect(parseReferTo(value)).toEqual({ target: 'sip:bob@example.com;transport=tcp', replaces: whole })
  expect(parseReferTo('"Bob" <sip:bob@example.com?Subject=hi>')).toEqual({ target: 'sip:bob@example.com' })
})

test.each(['', 'x', 'x;to-tag=a', ';to-tag=a;from-tag=b', replacesValue({ ...replaces, callId: '' })])(
  '%j names no dialog',
  (value) => expect(parseReplaces(value)).toBeUndefined(),
)

test.each(['<', '<sip:bob@example.com?Replaces=1%3Bto-tag%3D2>', '<sip:bob@example.com?replaces=%>'])(
  '%j is no Refer-To',
  (value) => expect(parseReferTo(value)).toBeUndefined(),
)
