/** Plans for tests of whatever carries plans about; nobody is called at their target. */
import { PROTOCOL, RunPlan } from './protocol.ts'

export function planOf(changes: Partial<RunPlan> = {}): RunPlan {
  return RunPlan.parse({
    protocol: PROTOCOL,
    id: 'run-1',
    epoch: 1,
    kind: 'Probe',
    namespace: 'default',
    name: 'probe',
    generation: 1,
    location: 'default',
    check: 'Call',
    slot: 0,
    endpoint: {
      id: 'probe',
      role: 'Caller',
      account: { username: 'alice', password: 'hunter2' },
      registrar: { domain: '127.0.0.1', port: 5060, transport: 'UDP', register: false, expires: 300_000 },
      target: 'sip:echo@127.0.0.1',
      media: {
        audio: { codec: 'PCMA', ptime: 20, source: { kind: 'Tone', frequency: 1004, level: -16 } },
        jitterBuffer: { mode: 'Fixed', delay: 60 },
      },
      callDuration: 1000,
      remoteHangup: 'Fail',
    },
    timeouts: { register: 5000, answer: 5000, call: 5000 },
    thresholds: { mos: { warning: 3.5, critical: 2.5 } },
    ...changes,
  })
}
