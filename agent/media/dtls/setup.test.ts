import { expect, test } from 'vitest'
import { answeredSetup, type Setup, sideOf } from './setup.ts'

const offers: ReadonlyArray<Setup | undefined> = ['actpass', 'active', 'passive', undefined]

test.each(offers)('offerer and answerer take different sides: %s', (offered) => {
  const answered = answeredSetup(offered)
  expect(answered).toBeDefined()
  expect(new Set([sideOf('Offerer', answered), sideOf('Answerer', answered)])).toEqual(new Set(['Client', 'Server']))
})

test('an answerer begins when it may', () => {
  expect(offers.map((offered) => answeredSetup(offered))).toEqual(['active', 'passive', 'active', 'passive'])
})

test('an answer that leaves it open, or wants no connection, gives no side', () => {
  expect([sideOf('Offerer', 'actpass'), sideOf('Offerer', 'holdconn')]).toEqual([undefined, undefined])
  expect(answeredSetup('holdconn')).toBeUndefined()
})
