/** The door of the local cluster. */
export { openLocalCluster } from './local.ts'
export type { LocalClusterOptions } from './local.ts'
