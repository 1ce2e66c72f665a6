import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseCSeq } from './cseq.ts'
import { METHODS, methodAt } from './methods.ts'

test.each([
  ['1 INVITE', { number: 1, method: 'INVITE' }],
  ['0009 \t INFO', { number: 9, method: 'INFO' }],
  ['4294967295 Inv%ite', { number: 4_294_967_295, method: 'Inv%ite' }],
  ['4294967296 INVITE', undefined],
  ['1INVITE', undefined],
  ['1 ', undefined],
  [' INVITE', undefined],
  ['1 INVITE x', undefined],
  ['-1 INVITE', undefined],
  [undefined, undefined],
])('the CSeq %s', (value, expected) => {
  expect(parseCSeq(value)).toEqual(expected)
})

test('a method is found where it stands, and only the whole of it', () => {
  const method = fc.constantFrom(...METHODS)
  fc.assert(
    fc.property(fc.string(), method, fc.string(), (before, each, after) => {
      const text = before + each + after
      expect(METHODS[methodAt(text, before.length, before.length + each.length)]).toBe(each)
      expect(methodAt(text, before.length, before.length + each.length - 1)).toBe(-1)
    }),
  )
  for (const none of ['', 'invite', 'INVITED', 'INVIT']) expect(methodAt(none)).toBe(-1)
  expect(methodAt('INVITE', 0, -1)).toBe(-1)
})
