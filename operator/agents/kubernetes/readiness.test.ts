import { expect, test } from 'vitest'
import type { LeadAnswer } from '../../../agent/api/index.ts'
import { locations } from './locations.ts'
import { readinessOf } from './readiness.ts'

const question = {
  group: { namespace: 'voip', location: 'far' },
  locations: locations.parse({ far: {} }),
  troubles: [],
}
const led: LeadAnswer = { kind: 'Led', runs: [] }

test.each<[string, Partial<Parameters<typeof readinessOf>[0]>, string | undefined]>([
  [
    'one agent is ready',
    {
      members: [
        { isReady: false, answer: undefined },
        { isReady: true, answer: led },
      ],
    },
    undefined,
  ],
  [
    'nobody configured the location',
    { group: { namespace: 'voip', location: 'moon' } },
    "There is no location moon in the operator's configuration; there is: default, far.",
  ],
  ['they are on their way', {}, 'The agents of the location far are being started.'],
  [
    'no node has room',
    { troubles: ['Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.'] },
    'No agent of the location far is ready: Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.',
  ],
  [
    'they are of another version',
    { members: [{ isReady: false, answer: { kind: 'OtherProtocol', message: 'It does not speak protocol 3.' } }] },
    'No agent of the location far is ready: It does not speak protocol 3.',
  ],
  [
    'they cannot be reached',
    { members: [{ isReady: false, answer: { kind: 'Unreachable', detail: 'ECONNREFUSED' } }] },
    'No agent of the location far is ready: it does not answer (ECONNREFUSED).',
  ],
])('%s', (_, given, message) => {
  const readiness = readinessOf({ ...question, members: [], ...given })
  expect(readiness).toEqual(message === undefined ? { kind: 'Ready' } : { kind: 'NotReady', message })
})
