/** What the operator may know of an agent: its protocol. */
export { PROTOCOL, phases, RunEvent, RunPlan } from './api/protocol.ts'
export type { CallResult, Phase, TracedMessage } from './api/protocol.ts'
