/** The door of the real cluster. */
export { loadKubeConfig, openKubeClient } from './client.ts'
export type { KubeClient } from './client.ts'
export { Election } from './election.ts'
export type { LeasedTerm } from './election.ts'
export { openKubernetesCluster } from './kubernetes.ts'
export type { KubernetesCluster, KubernetesClusterOptions, WatchedKind } from './kubernetes.ts'
export { openMade, openWorkloads } from './workloads.ts'
export type { WorkloadsOptions } from './workloads.ts'
