/** The door of the history store. */
export { HistoryError } from './errors.ts'
export type * from './history.ts'
export { openHistory } from './open.ts'
export { retention } from './retention.ts'
export { executionSummary, withoutDetail } from './summary.ts'
