/** Which agent gets a plan: rendezvous hashing, so that a retry finds the same one and a new agent takes only its share. Pure. */
import { createHash } from 'node:crypto'

/** `agents` in the order in which the plan `id` is offered to them (Thaler and Ravishankar, 1998). */
export function ranked<Agent extends { readonly name: string }>(id: string, agents: readonly Agent[]): Agent[] {
  const scored = agents.map((agent) => ({ agent, score: score(id, agent.name) }))
  return scored.toSorted((left, right) => (left.score < right.score ? 1 : -1)).map(({ agent }) => agent)
}

function score(id: string, name: string): string {
  return createHash('sha256').update(`${id}\n${name}`).digest('hex')
}
