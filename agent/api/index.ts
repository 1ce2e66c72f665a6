/** What others may know of the agent's API: its server, for the agent process; its client, for the operator. */
export {
  type AgentClient,
  type ClientOptions,
  createAgentClient,
  type Followed,
  type LeadAnswer,
  type StartAnswer,
} from './client.ts'
export { AgentListening, AgentSettings } from './parent.ts'
export { Runs } from './runs.ts'
export { type Credentials, type CredentialsFolder, openCredentials } from './credentials.ts'
export { type AgentServer, startServer } from './server.ts'
