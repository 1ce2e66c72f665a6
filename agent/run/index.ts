/** What others may know of runs: how one is started and stopped. */
export type { Surroundings } from './check.ts'
export { type Run, startRun } from './run.ts'
export { eventLoopLag } from './saturation.ts'
