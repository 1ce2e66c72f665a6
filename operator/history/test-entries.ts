/** Records as a probe's reconciler would bring them, for tests. */
import type { Health } from '../../crds/index.ts'
import type { Entry, ExecutionRecord, NewDelivery, ProbeIdentity, TransitionRecord } from './history.ts'

export const probe: ProbeIdentity = { namespace: 'default', name: 'switchboard', uid: 'uid-1' }
export const start = Date.UTC(2026, 0, 1)

export function execution(id: string, changes: Partial<ExecutionRecord> = {}): ExecutionRecord {
  const slot = changes.slot ?? start
  return {
    id,
    location: 'default',
    generation: 3,
    slot,
    level: 'Degraded',
    reason: 'ThresholdBreached',
    message: 'packetLoss 4 % reached 3 %',
    breaches: [{ metric: 'packetLoss', value: 4, level: 'Degraded', threshold: 3 }],
    notMeasured: ['rtt'],
    thresholds: { packetLoss: { warning: 3, critical: 5 } },
    result: {
      outcome: 'Success',
      message: 'answered',
      metrics: { packetLoss: 4, mos: 4.1 },
      findings: [],
      startedAt: slot + 5,
      finishedAt: slot + 3005,
      sip: { code: 200, reason: 'OK' },
      retransmissions: { sent: 0, received: 0 },
      authenticationRounds: 1,
    },
    samples: [
      { second: 0, metrics: { packetLoss: 0, mos: 4.4 } },
      { second: 1, metrics: { packetLoss: 8, mos: 3.8 } },
    ],
    trace: {
      truncated: false,
      messages: [
        {
          at: slot + 6,
          direction: 'Out',
          transport: 'UDP',
          local: '127.0.0.1:5070',
          remote: '127.0.0.1:5060',
          text: 'OPTIONS sip:echo@127.0.0.1 SIP/2.0\r\n\r\n',
        },
      ],
    },
    ...changes,
  }
}

export function delivery(sequence: number, newStatus: Health, changes: Partial<NewDelivery> = {}): NewDelivery {
  return {
    webhookId: `evt_${sequence}`,
    webhook: 'chat',
    sequence,
    newStatus,
    body: JSON.stringify({ type: 'probe.status_changed', data: { sequence, newStatus } }),
    held: false,
    ...changes,
  }
}

/** A transition that the execution `run-N` of sequence N caused, one minute after the one before. */
export function transition(
  sequence: number,
  from: Health,
  to: Health,
  changes: Partial<TransitionRecord> = {},
): TransitionRecord {
  return {
    sequence,
    at: start + sequence * 60_000,
    from,
    to,
    severity: 'Warning',
    reason: 'ThresholdBreached',
    message: 'packetLoss 4 % reached 3 %',
    executionId: `run-${sequence}`,
    ...changes,
  }
}

/** Entry number `sequence` of a probe that flips with each round: Degraded, Healthy, Degraded, ... */
export function flip(sequence: number, of = probe, webhooks: readonly string[] = ['chat']): Entry {
  const to: Health = sequence % 2 === 1 ? 'Degraded' : 'Healthy'
  const from: Health = sequence === 1 ? 'Unknown' : to === 'Healthy' ? 'Degraded' : 'Healthy'
  const slot = start + sequence * 60_000
  const id = `${of.name}-run-${sequence}`
  return {
    probe: of,
    executions: [execution(id, { slot, level: to }), execution(`${id}-east`, { slot, level: to, location: 'east' })],
    round: { slot, level: to, reason: 'ThresholdBreached', executionId: id, finishedAt: slot + 3005 },
    transition: transition(sequence, from, to, { executionId: id }),
    deliveries: webhooks.map((webhook) => delivery(sequence, to, { webhook, webhookId: `evt_${of.uid}_${sequence}` })),
  }
}
