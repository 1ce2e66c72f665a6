/** The table of commands: adding one is a file and a line here. Each is loaded when it is named, so that an agent does not carry the operator. */
import type { Command } from '../command.ts'

export interface Entry {
  name: string
  summary: string
  load(): Promise<Command>
}

export const commands: readonly Entry[] = [
  {
    name: 'call',
    summary: 'places one call now and says whether it works',
    load: async () => (await import('./call.ts')).call,
  },
  {
    name: 'serve',
    summary: 'calls for every probe in a folder of YAML, for ever',
    load: async () => (await import('./serve.ts')).serve,
  },
  {
    name: 'respond',
    summary: 'answers calls: an echo, a tone, a rejection, a lossy line, ...',
    load: async () => (await import('./respond.ts')).respond,
  },
  {
    name: 'demo',
    summary: 'the samples against the built-in responder, all in one',
    load: async () => (await import('./demo.ts')).demo,
  },
  {
    name: 'validate',
    summary: 'checks manifests, with file, line and field of each error',
    load: async () => (await import('./validate.ts')).validate,
  },
  {
    name: 'get',
    summary: 'shows probes, registrars and status pages of a running Ringcheck',
    load: async () => (await import('./get.ts')).get,
  },
  {
    name: 'probe',
    summary: 'executes one probe now, and says what came of it',
    load: async () => (await import('./probe.ts')).probe,
  },
  {
    name: 'trace',
    summary: 'shows the SIP messages of an execution as a ladder',
    load: async () => (await import('./trace.ts')).trace,
  },
  {
    name: 'deliveries',
    summary: 'shows the log of the webhooks, and sends one again',
    load: async () => (await import('./deliveries.ts')).deliveries,
  },
  {
    name: 'operator',
    summary: 'the same on Kubernetes, as a pod: calls for every SipProbe of the cluster',
    load: async () => (await import('./operator.ts')).operator,
  },
  {
    name: 'agent',
    summary: 'the process that makes calls; started by serve',
    load: async () => (await import('./agent.ts')).agent,
  },
]
