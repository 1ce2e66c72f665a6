import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DialogUser } from '../core.ts'
import { SILENT_FLOW } from '../transport/silent-flow.ts'
import { Dialog, type DialogName } from './dialog.ts'
import { Dialogs } from './dialogs.ts'

/** One that does nothing: it is only to be found. */
function userOf(name: DialogName): DialogUser {
  const state = { ...name, local: '', remote: '', remoteTarget: '', routeSet: [], localSequence: 0 }
  return {
    dialog: new Dialog({ ...state, remoteSequence: undefined }, SILENT_FLOW),
    ...{ replaceable: undefined, replaced: () => {}, stopped: () => {} },
    ...{ request: () => {}, invite: () => {}, acknowledged: () => {} },
  }
}

/** Few of each, so that some share our tag, some its number, and some all but one part. */
const NAME: fc.Arbitrary<DialogName> = fc.record({
  callId: fc.constantFrom('c', 'd'),
  localTag: fc.constantFrom('aaaaaaaa1', 'bbbbbbbb1', 'aaaaaaaa2'),
  remoteTag: fc.constantFrom('', 'x', 'y'),
})

test('dialogs are found by all three parts of their name, and counted, through any puts and deletes', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), NAME)), (steps) => {
      const dialogs = new Dialogs()
      const expected = new Map<string, DialogUser>()
      for (const [put, name] of steps) {
        const user = userOf(name)
        if (put) dialogs.put(user)
        else dialogs.delete(name)
        if (put) expected.set(keyOf(name), user)
        else expected.delete(keyOf(name))
        expect(dialogs.find(name)).toBe(expected.get(keyOf(name)))
        expect(dialogs.size).toBe(expected.size)
      }
      expect(new Set(dialogs.values())).toEqual(new Set(expected.values()))
      for (const [, name] of steps) expect(dialogs.find(name)).toBe(expected.get(keyOf(name)))
    }),
  )
})

test('branches of one INVITE share our tag, and each is found', () => {
  const dialogs = new Dialogs()
  const users = ['x', 'y', 'z'].map((remoteTag) => userOf({ callId: 'c', localTag: 'aaaaaaaa1', remoteTag }))
  for (const user of users) dialogs.put(user)
  expect(dialogs.branches('aaaaaaaa1')).toBe(3)
  expect(users.map(({ dialog }) => dialogs.find(dialog))).toEqual(users)
})

test('a guess that has only the number of our tag right finds nothing', () => {
  const dialogs = new Dialogs()
  const name = { callId: 'c', localTag: 'aaaaaaaa1', remoteTag: 'x' }
  dialogs.put(userOf(name))
  for (const localTag of ['bbbbbbbb1', 'aaaaaaaa01', 'aaaaaaaa', '', '1'])
    expect(dialogs.find({ ...name, localTag })).toBeUndefined()
})

function keyOf(name: DialogName): string {
  return JSON.stringify([name.callId, name.localTag, name.remoteTag])
}
