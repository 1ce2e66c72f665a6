import { array, assert, constant, integer, property, string, tuple, uniqueArray } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ranked } from './placement.ts'

const agents = uniqueArray(string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 8 }).map((names) =>
  names.map((name) => ({ name })),
)

describe('placement', () => {
  test('is the same for every order in which agents are listed', () => {
    const shuffled = agents.chain((list) =>
      tuple(constant(list), array(integer(), { minLength: list.length, maxLength: list.length })),
    )
    assert(
      property(string(), shuffled, (id, [list, keys]) => {
        const other = list.map((agent, index) => ({ agent, key: keys[index] ?? 0 }))
        other.sort((left, right) => left.key - right.key)
        expect(
          ranked(
            id,
            other.map(({ agent }) => agent),
          ),
        ).toEqual(ranked(id, list))
      }),
    )
  })

  test('an agent that comes or goes moves only the plans that are its own', () => {
    assert(
      property(string(), agents, (id, list) => {
        const [first, ...rest] = ranked(id, list)
        for (const gone of rest) {
          const without = list.filter((agent) => agent !== gone)
          expect(ranked(id, without)[0]).toBe(first)
        }
      }),
    )
  })

  test('gives each of four agents about its share of 4000 plans', () => {
    const list = ['a', 'b', 'c', 'd'].map((name) => ({ name, plans: 0 }))
    for (let id = 0; id < 4000; id++) {
      const [chosen] = ranked(String(id), list)
      if (chosen) chosen.plans++
    }
    for (const { plans } of list) expect(plans).toBeGreaterThan(850)
  })
})
