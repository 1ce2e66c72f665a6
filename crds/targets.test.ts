import { expect, test } from 'vitest'
import { refuseTarget } from './targets.ts'

type Policy = Parameters<typeof refuseTarget>[1]
const policy = (lists: { allowedTargets?: string[]; deniedTargets?: string[] }) =>
  ({ allowedTargets: [], deniedTargets: [], ...lists }) as Policy

test.each<[string, Policy, boolean]>([
  ['sip:+4930123@example.com', undefined, true],
  ['sip:+4930123@example.com', policy({ allowedTargets: ['+4930*'] }), true],
  ['sip:+4989123@example.com', policy({ allowedTargets: ['+4930*'] }), false],
  ['sip:echo@example.com;user=phone', policy({ allowedTargets: ['*@example.com'] }), true],
  ['sip:echo@example.org', policy({ allowedTargets: ['*@example.com'] }), false],
  ['sip:0900123@example.com', policy({ deniedTargets: ['0900*'] }), false],
  ['sip:0900123@example.com', policy({ allowedTargets: ['*'], deniedTargets: ['0900*'] }), false],
])('%s with %j is called: %s', (target, guard, called) => {
  expect(refuseTarget(target, guard) === undefined).toBe(called)
})

test('an emergency number is called only where it is listed literally', () => {
  expect(refuseTarget('sip:112@example.com', undefined)).toContain('emergency')
  expect(refuseTarget('sip:112@example.com', policy({ allowedTargets: ['1*'] }))).toContain('emergency')
  expect(refuseTarget('sip:112@example.com', policy({ allowedTargets: ['112'] }))).toBeUndefined()
})

test.each([
  'sip:112;phone-context=+49@trunk',
  'sip:%31%31%32@trunk',
  'sip:112:secret@trunk',
  'sip:11-2@trunk',
  'sip:(1)1.2@trunk',
  'sips:+112@trunk',
  'SIP:112@trunk;transport=tcp',
])('%s is an emergency number too', (target) => {
  expect(refuseTarget(target, undefined)).toContain('emergency')
})

test.each(['sip:0900123;isub=1@trunk', 'sip:%30900123@trunk', 'sip:0900-123@trunk'])(
  '%s is denied by its number',
  (target) => {
    expect(refuseTarget(target, policy({ deniedTargets: ['0900*'] }))).toContain('denied')
  },
)
