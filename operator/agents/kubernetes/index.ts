/** Agents as Deployments of Kubernetes, or outside of the cluster: what the operator needs to start them. */
export { type KubernetesAgentsOptions, startKubernetesAgents } from './kubernetes.ts'
export { type Location, type Locations, locations } from './locations.ts'
export { AGENTS, type AgentImage, type OperatorPods } from './objects.ts'
export { AUTHORITY_SECRET, Trust } from './trust.ts'
