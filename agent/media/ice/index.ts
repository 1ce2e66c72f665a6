/** The door to ICE: an agent for one stream, and what both sides describe themselves by. It loads werift, 40 MB: import it when it is needed. */
export type { Candidate, IceDescription } from './description.ts'
export type { StunServer } from './gather.ts'
export {
  IceAgent,
  type IceFailure,
  type IceOptions,
  type IceOutcome,
  type Gathering,
  type SelectedPair,
} from './ice-agent.ts'
export type { TurnServer } from './relay.ts'
