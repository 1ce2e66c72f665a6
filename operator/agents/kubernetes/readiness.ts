/** Whether agents of a group take plans, and in one sentence why not. Pure. */
import type { LeadAnswer } from '../../../agent/api/index.ts'
import type { Group, Readiness } from '../agents.ts'
import type { Locations } from './locations.ts'
import { locationOf } from './locations.ts'

export interface ReadinessQuestion {
  group: Group
  locations: Locations
  members: ReadonlyArray<{ isReady: boolean; answer: LeadAnswer | undefined }>
  /** What Kubernetes says of pods that do not start, and of deployments without pods. */
  troubles: readonly string[]
}

export function readinessOf({ group, locations, members, troubles }: ReadinessQuestion): Readiness {
  const { location } = group
  const known = locationOf(locations, location)
  if (!known) {
    const names = Object.keys(locations).join(', ')
    return notReady(`There is no location ${location} in the operator's configuration; there is: ${names}.`)
  }
  if (members.some(({ isReady }) => isReady)) return { kind: 'Ready' }
  const said = troubles[0] ?? members.map(({ answer }) => wordsOf(answer)).find((words) => words !== undefined)
  if (said !== undefined) return notReady(`No agent of the location ${location} is ready: ${said}`)
  return notReady(`The agents of the location ${location} are being started.`)
}

function wordsOf(answer: LeadAnswer | undefined): string | undefined {
  switch (answer?.kind) {
    case undefined:
    case 'Led':
      return undefined
    case 'Unreachable':
      return `it does not answer (${answer.detail}).`
    case 'Refused':
    case 'OtherProtocol':
      return answer.message
  }
}

const notReady = (message: string): Readiness => ({ kind: 'NotReady', message })
