/** The door to the responder: what the command line and the tests start. */
export { parseAccounts } from './accounts.ts'
export type { Account } from './accounts.ts'
export { behaviours } from './behaviours.ts'
export { parseCalling } from './caller.ts'
export type { Calling } from './caller.ts'
export type { RecordLine } from './record.ts'
export { startResponder } from './responder.ts'
export type { Responder, ResponderOptions } from './responder.ts'
