import { expect, test } from 'vitest'
import { ManualClock } from '../../../lib/manual-clock.ts'
import { SharedAnswers } from './shared-answers.ts'

function asking(most?: number) {
  const clock = new ManualClock()
  const answers = new SharedAnswers<string>({ clock, keptFor: 10_000, ...(most !== undefined && { most }) })
  const asked: string[] = []
  const ask = (question: string, answer = Promise.resolve(question.toUpperCase())) =>
    answers.of(question, () => {
      asked.push(question)
      return answer
    })
  return { clock, answers, asked, ask }
}

test('who asks the same meanwhile or shortly afterwards gets the same answer', async () => {
  const { clock, ask, asked } = asking()
  expect(await Promise.all([ask('a'), ask('a')])).toEqual(['A', 'A'])
  await clock.advance(9_999)
  await ask('a')
  expect(asked).toEqual(['a'])
  await clock.advance(1)
  await ask('a')
  expect(asked).toEqual(['a', 'a'])
})

test('what failed is asked again at once', async () => {
  const { clock, ask, asked } = asking()
  await expect(ask('a', Promise.reject(new Error('away')))).rejects.toThrow('away')
  expect(await ask('a')).toBe('A')
  expect(asked).toEqual(['a', 'a'])
  expect(clock.waiting).toBe(1)
})

test('more than the most are not kept, and none when it ends', async () => {
  const { clock, answers, ask, asked } = asking(2)
  for (const question of ['a', 'b', 'c']) await ask(question)
  expect(clock.waiting).toBe(2)
  await ask('b')
  await ask('a')
  expect(asked).toEqual(['a', 'b', 'c', 'a'])
  answers[Symbol.dispose]()
  expect(clock.waiting).toBe(0)
})
