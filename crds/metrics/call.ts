/** What the signalling of one call took, and what a whole run of them counts. Times are from monotonic stamps. */
import { counted, judged, ofACall } from './definition.ts'
import type { MetricDefinition } from './definition.ts'

const time = { ...judged, unit: 'ms', direction: 'Lower', range: [0, 600_000] } as const

export const callMetrics = {
  setupTime: {
    ...time,
    title: 'Setup time',
    definition: 'First INVITE sent to first 180 or 183: the post-dial delay. A round of authentication is inside it.',
    source: 'RFC 6076 section 4.3 (SRD)',
    absentWhen: 'no 180 or 183 came',
    prometheus: { name: 'ringcheck_probe_setup_seconds', factor: 0.001 },
  },
  ringTime: {
    ...time,
    title: 'Ring time',
    definition: 'First 180 or 183 to the 200 of the INVITE.',
    source: 'own, over RFC 3261 section 13',
    absentWhen: 'no 180 or 183 came, or no answer',
    prometheus: { name: 'ringcheck_probe_ring_seconds', factor: 0.001 },
  },
  connectTime: {
    ...time,
    title: 'Connect time',
    definition: 'First INVITE sent to its 200. A round of authentication is inside it.',
    source: 'own, over RFC 3261 section 13',
    absentWhen: 'the call was not answered',
    prometheus: { name: 'ringcheck_probe_connect_seconds', factor: 0.001 },
  },
  registerTime: {
    ...time,
    title: 'Register time',
    definition: 'First REGISTER sent to its 200. A round of authentication is inside it.',
    source: 'RFC 6076 section 4.1 (RRD)',
    absentWhen: 'nothing was registered, or the registration failed',
    prometheus: { name: 'ringcheck_probe_register_seconds', factor: 0.001 },
  },
  optionsTime: {
    ...time,
    title: 'OPTIONS time',
    definition: 'OPTIONS sent to its final response.',
    source: 'RFC 3261 section 11',
    absentWhen: 'no OPTIONS was sent, or none was answered',
  },
  authTime: {
    ...ofACall,
    title: 'Authentication time',
    unit: 'ms',
    direction: 'Lower',
    definition:
      'First request sent to its 401 or 407, of the INVITE, or of the REGISTER where the INVITE was not challenged: the part of its time that authentication cost.',
    source: 'RFC 3261 section 22',
    absentWhen: 'no request was challenged',
  },
  authRounds: {
    ...counted,
    title: 'Authentication rounds',
    definition: 'Challenges answered, of REGISTER and INVITE.',
    source: 'RFC 3261 section 22',
    absentWhen: 'no request was sent',
  },
  disconnectTime: {
    ...ofACall,
    title: 'Disconnect time',
    unit: 'ms',
    direction: 'Lower',
    definition: 'BYE sent to its final response.',
    source: 'RFC 6076 section 4.4 (SDD)',
    absentWhen: 'we sent no BYE, or it was not answered',
  },
  sessionTime: {
    ...ofACall,
    title: 'Session time',
    unit: 'ms',
    definition: 'The 200 of the INVITE to the BYE.',
    source: 'RFC 6076 section 4.5 (SDT)',
    absentWhen: 'the call was not answered',
  },
  retransmissionsSent: {
    ...counted,
    title: 'Retransmissions sent',
    definition: 'SIP messages of ours sent again.',
    source: 'RFC 3261 section 17',
    absentWhen: 'no request was sent',
  },
  retransmissionsReceived: {
    ...counted,
    title: 'Retransmissions received',
    definition: 'SIP messages of the other side that came again.',
    source: 'RFC 3261 section 17',
    absentWhen: 'no request was sent',
  },
  statusCode: {
    ...ofACall,
    title: 'Status code',
    unit: 'code',
    statistics: [],
    definition: 'The final response that decided: of the INVITE, REGISTER or OPTIONS.',
    source: 'RFC 3261 section 21',
    absentWhen: 'no final response came',
  },
  scenarioActionsDone: {
    ...counted,
    title: 'Scenario actions done',
    direction: 'Higher',
    definition: 'Actions of the scenario that were carried out.',
    source: 'own',
    absentWhen: 'there is no scenario',
  },
  scenarioActionsFailed: {
    ...counted,
    title: 'Scenario actions failed',
    definition: 'Actions of the scenario that failed.',
    source: 'own',
    absentWhen: 'there is no scenario',
  },
} as const satisfies Record<string, MetricDefinition>

const ofARun = { judged: false, statistics: [], absentWhen: 'no call was attempted', source: 'own' } as const
const number = { ...ofARun, unit: 'count', absentWhen: 'never in a run that started' } as const

/** Figures that a run has once: gates may ask for them, without a statistic. No call has them. */
export const runMetrics = {
  endpoints: { ...number, title: 'Endpoints', direction: 'None', definition: 'Endpoints of the run.' },
  callsAttempted: {
    ...number,
    title: 'Calls attempted',
    direction: 'None',
    definition: 'Calls whose first INVITE was sent.',
  },
  callsAnswered: { ...number, title: 'Calls answered', direction: 'Higher', definition: 'Calls that got a 200.' },
  callsFailed: {
    ...number,
    title: 'Calls failed',
    direction: 'Lower',
    definition: 'Calls with a failure class.',
  },
  callsFailedPercent: {
    ...ofARun,
    title: 'Calls failed, percent',
    unit: '%',
    direction: 'Lower',
    definition: 'Calls failed per call attempted.',
  },
  asr: {
    ...ofARun,
    title: 'Answer-seizure ratio',
    unit: '%',
    direction: 'Higher',
    definition: 'Calls answered per call attempted.',
    source: 'ITU-T E.411; RFC 6076 section 4.6 (SER)',
  },
  ner: {
    ...ofARun,
    title: 'Network effectiveness ratio',
    unit: '%',
    direction: 'Higher',
    definition: 'Calls answered, busy, unanswered or declined by the called party, per call attempted.',
    source: 'ITU-T E.425; RFC 6076 section 4.7 (SEER)',
  },
  achievedCallsPerSecond: {
    ...ofARun,
    title: 'Calls per second',
    unit: 'calls/s',
    direction: 'Higher',
    definition: 'Completed calls per second of the steady window.',
  },
  peakConcurrentCalls: {
    ...number,
    title: 'Peak concurrent calls',
    direction: 'Higher',
    definition: 'The most calls that were up at once.',
  },
  retransmissions: {
    ...number,
    title: 'Retransmissions',
    direction: 'Lower',
    definition: 'SIP messages sent again, in both directions.',
    source: 'RFC 3261 section 17',
  },
} as const satisfies Record<string, MetricDefinition>
