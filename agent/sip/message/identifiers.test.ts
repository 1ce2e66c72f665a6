import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../lib/random.ts'
import { Identifiers, tagNumber } from './identifiers.ts'

describe('branches and tags', () => {
  test('ours are known again, each by a number of its own', () => {
    const ours = new Identifiers(seededRandom(1))
    const branches = Array.from({ length: 1000 }, () => ours.branch())
    const tags = Array.from({ length: 1000 }, () => ours.tag())
    const numbers = [...branches.map((each) => ours.branchNumber(each)), ...tags.map(tagNumber)]
    expect(new Set(numbers).size).toBe(2000)
    expect(numbers).not.toContain(undefined)
  })

  test('those of another engine are none of ours', () => {
    const [ours, theirs] = [new Identifiers(seededRandom(1)), new Identifiers(seededRandom(2))]
    expect(ours.branchNumber(theirs.branch())).toBeUndefined()
  })

  test('only as it was written is a branch ours, so that no two of them have one number', () => {
    const ours = new Identifiers(() => 0)
    const branch = ours.branch()
    expect(ours.branchNumber(branch)).toBe(0)
    const prefix = branch.slice(0, -1)
    for (const wrong of ['', '00', '01', '-1', '1.5', '1e3', ' 1', '1x', '٣', '9007199254740993', '9'.repeat(400)])
      expect(ours.branchNumber(prefix + wrong)).toBeUndefined()
    for (const wrong of ['', '0', branch.slice(1), branch.toUpperCase(), 'z9hG4bK'])
      expect(ours.branchNumber(wrong)).toBeUndefined()
  })

  test('a tag that has a number is the only one with its random bits', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\w-]{8}\d{1,20}$/), (tag) => {
        const number = tagNumber(tag)
        expect(number === undefined || tag.slice(8) === String(number)).toBe(true)
      }),
    )
    for (const none of ['', 'stateless', 'abcdefgh', 'abcdefgh01']) expect(tagNumber(none)).toBeUndefined()
  })

  test('every tag has random bits of its own', () => {
    const ours = new Identifiers(seededRandom(1))
    const tags = Array.from({ length: 1000 }, () => ours.tag().slice(0, 8))
    expect(new Set(tags).size).toBe(1000)
  })
})
