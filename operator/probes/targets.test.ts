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
