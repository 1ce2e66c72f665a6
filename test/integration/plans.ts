/** The plan that tests of runs begin with. No test is in here. */
import { PROTOCOL, RunPlan } from '../../agent/api/protocol.ts'

type EndpointPlan = RunPlan['endpoint']

export interface PlanChanges {
  check?: RunPlan['check']
  timeouts?: Partial<RunPlan['timeouts']>
  registrar?: Partial<EndpointPlan['registrar']>
  endpoint?: Partial<EndpointPlan>
}

/** A Caller without registration, with the codec that SIPp speaks. */
export function planOf(port: number, { check = 'Call', timeouts, registrar, endpoint }: PlanChanges = {}): RunPlan {
  return RunPlan.parse({
    protocol: PROTOCOL,
    id: 'lab-run',
    epoch: 0,
    kind: 'Probe',
    namespace: 'default',
    name: 'lab',
    generation: 1,
    location: 'default',
    check,
    slot: 0,
    endpoint: {
      id: 'only',
      role: 'Caller',
      account: { username: 'alice', password: 'pw-alice' },
      registrar: { domain: '127.0.0.1', port, transport: 'UDP', register: false, expires: 300_000, ...registrar },
      target: `sip:svc1@127.0.0.1:${port}`,
      media: {
        audio: { codec: 'PCMU', ptime: 20, source: { kind: 'Tone', frequency: 1004, level: -16 } },
        jitterBuffer: { mode: 'Fixed', delay: 60 },
      },
      callDuration: 1500,
      remoteHangup: 'Fail',
      ...endpoint,
    },
    timeouts: { register: 5000, answer: 10_000, call: 10_000, ...timeouts },
    thresholds: {},
  })
}
