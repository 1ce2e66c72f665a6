/** What the operator may know of an agent: its protocol, which recordings it can play, and how a trace is drawn and exported. */
export { PROTOCOL, RunEvent, RunPlan } from './api/protocol.ts'
export type { CallResult, RunSummary, TracedMessage } from './api/protocol.ts'
export { readWave } from './media/index.ts'
export { renderLadder, renderPcap } from './sip/index.ts'
