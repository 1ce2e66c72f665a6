/** The closed sets of what can come out of a call: states, outcomes, failure classes, findings, reasons for not knowing. No decision is taken here. */

/** The four states of a probe, mildest first; `Unknown` is not worse than any, it is not knowing. */
export const healths = ['Healthy', 'Degraded', 'Unhealthy', 'Unknown'] as const
export type Health = (typeof healths)[number]

/** A level that was really measured. */
export type KnownHealth = Exclude<Health, 'Unknown'>

/** How a transition is announced; the webhook's body spells them in camelCase. */
export const severities = ['Warning', 'Critical', 'Recovery', 'PartialRecovery', 'DataIssue', 'Resolution'] as const
export type Severity = (typeof severities)[number]

/** What became of an endpoint, best first. A worse one overwrites; among the last five the first stays. */
export const outcomes = [
  'Success',
  'CompletedWithWarnings',
  'TeardownError',
  'RegistrationFailed',
  'CallFailed',
  'NegotiationFailed',
  'Timeout',
  'OsError',
] as const
export type Outcome = (typeof outcomes)[number]

/** What a person reads: the sentence says what happened, the remedy what to look at. */
export interface Explained {
  readonly sentence: string
  readonly remedy: string
}

export interface FailureClassDefinition extends Explained {
  /** Whose fault it is: `Theirs` makes a probe Unhealthy, `Ours` makes it Unknown and a run Inconclusive. */
  readonly whose: 'Theirs' | 'Ours'
  /** The outcomes it can give; with two, the first is the one before the call was placed. */
  readonly outcomes: readonly Outcome[]
}

const ofTheTarget = ['RegistrationFailed', 'CallFailed'] as const satisfies readonly Outcome[]

export const failureClasses = {
  Dns: {
    whose: 'Theirs',
    outcomes: ofTheTarget,
    sentence: 'The name of the SIP server could not be resolved to an address.',
    remedy: 'Look up the A, AAAA, SRV and NAPTR records of the domain from where the agent runs.',
  },
  Connect: {
    whose: 'Theirs',
    outcomes: ofTheTarget,
    sentence: 'The connection to the SIP server was refused or never came up.',
    remedy: 'Check address, port and transport, and whether a firewall lets the agent reach them.',
  },
  Tls: {
    whose: 'Theirs',
    outcomes: ofTheTarget,
    sentence: 'The TLS handshake with the SIP server failed.',
    remedy: 'Check its certificate: expiry, names, and the authority given in tls.caRef.',
  },
  RegistrationRejected: {
    whose: 'Theirs',
    outcomes: ['RegistrationFailed'],
    sentence: 'The registrar answered the REGISTER with a final error.',
    remedy:
      'The status code in the trace names the cause; check that the account exists and may register from this address.',
  },
  RegistrationTimeout: {
    whose: 'Theirs',
    outcomes: ['RegistrationFailed'],
    sentence: 'The registrar did not finish the registration in time.',
    remedy: 'Check that it runs and is reachable on this transport; timeouts.register says how long is waited.',
  },
  AuthenticationFailed: {
    whose: 'Theirs',
    outcomes: ofTheTarget,
    sentence: 'The credentials were refused: a 401 or 407 came again after they were sent.',
    remedy: 'Check username, authUsername, realm and the password in the Secret.',
  },
  Busy: {
    whose: 'Theirs',
    outcomes: ['CallFailed'],
    sentence: 'The called party is busy (486 or 600).',
    remedy: 'Give the probe a target of its own, or allow it more than one call at a time.',
  },
  Rejected3xx: {
    whose: 'Theirs',
    outcomes: ['CallFailed'],
    sentence: 'The call was redirected and the redirection was not followed.',
    remedy: 'Point target at the new address, or raise followRedirects of the registrar.',
  },
  Rejected4xx: {
    whose: 'Theirs',
    outcomes: ['CallFailed'],
    sentence: 'The call was rejected with a 4xx response.',
    remedy:
      'The status code in the trace names the cause: 403 is policy, 404 an unknown target, 480 nobody registered there.',
  },
  Rejected5xx: {
    whose: 'Theirs',
    outcomes: ['CallFailed'],
    sentence: 'The SIP server failed to handle the call (5xx).',
    remedy: 'Look at the server: 503 is overload or a trunk that is down.',
  },
  Rejected6xx: {
    whose: 'Theirs',
    outcomes: ['CallFailed'],
    sentence: 'The call was rejected everywhere (6xx).',
    remedy: 'The called party declined: 603 is often a rule on the PBX, 607 and 608 are call blocking.',
  },
  NoAnswer: {
    whose: 'Theirs',
    outcomes: ['Timeout'],
    sentence: 'The call was on its way or ringing, and nobody answered in time.',
    remedy: 'Check the called endpoint; timeouts.answer says how long is waited.',
  },
  ResponseTimeout: {
    whose: 'Theirs',
    outcomes: ['Timeout'],
    sentence: 'Not one response came to the request.',
    remedy: 'Check that the server runs, its address and port, and firewalls in both directions.',
  },
  NegotiationFailed: {
    whose: 'Theirs',
    outcomes: ['NegotiationFailed'],
    sentence: 'The two sides found no media they both can use (488, 606, or an unusable answer).',
    remedy: 'Compare the codecs and the encryption of media with what the server allows.',
  },
  NoMedia: {
    whose: 'Theirs',
    outcomes: ['CallFailed'],
    sentence: 'The call was answered, but not one media packet arrived.',
    remedy: 'Check the addresses in the SDP of the trace, NAT, and the firewall for RTP ports.',
  },
  MediaTimeout: {
    whose: 'Theirs',
    outcomes: ['CallFailed'],
    sentence: 'Media stopped for 5 seconds during the call.',
    remedy: 'Look for a NAT or firewall that forgets the stream, and for a media server that stopped.',
  },
  RemoteHangup: {
    whose: 'Theirs',
    outcomes: ['CallFailed'],
    sentence: 'The other side ended the call before its time.',
    remedy: 'If that is how the target works (an announcement, an IVR), set remoteHangup: Allow.',
  },
  TeardownFailed: {
    whose: 'Theirs',
    outcomes: ['TeardownError'],
    sentence: 'The call was fine, but its BYE was not answered well.',
    remedy: 'Check the routing of requests inside a dialog; the call may hang at the server. A warning only.',
  },
  AgentLost: {
    whose: 'Ours',
    outcomes: ['OsError'],
    sentence: 'The agent went away during the call.',
    remedy: 'Look at the agent: was it evicted, out of memory, or cut off from the operator?',
  },
  AgentSaturated: {
    whose: 'Ours',
    outcomes: ['OsError'],
    sentence: 'The agent was too busy to measure honestly.',
    remedy: 'Give the location more agents or more CPU.',
  },
  PortsExhausted: {
    whose: 'Ours',
    outcomes: ['OsError'],
    sentence: 'The agent had no free RTP port.',
    remedy: 'Widen the RTP port range of the location, or add agents.',
  },
  Policy: {
    whose: 'Ours',
    outcomes: ['OsError'],
    sentence: 'Our own guard refused the call.',
    remedy: 'Check policy of the registrar: allowed and denied targets, concurrent calls, calls per second.',
  },
  Internal: {
    whose: 'Ours',
    outcomes: ['OsError'],
    sentence: 'Ringcheck itself failed.',
    remedy: 'The log of the agent has the cause under the id of the execution; please report it.',
  },
} as const satisfies Record<string, FailureClassDefinition>
export type FailureClass = keyof typeof failureClasses

/** Observations that stand beside a level and fail nothing by themselves. */
export const findings = {
  OneWayAudio: {
    sentence: 'One of the two sides heard nothing.',
    remedy: 'Check NAT and the media addresses in the SDP of both sides.',
  },
  SilentMedia: {
    sentence: 'Packets arrived, but they held silence.',
    remedy: 'Check the source at the far end: a muted device, a missing announcement.',
  },
  NoiseOnly: {
    sentence: 'Packets arrived, but they held noise and no speech or tone.',
    remedy: 'Look for a wrong codec or key between the two ends.',
  },
  StuckTone: {
    sentence: 'The same tone was heard during the whole call.',
    remedy: 'The far end may play a busy or error tone in an answered call.',
  },
  WrongCodec: {
    sentence: 'Media came in another codec than was negotiated.',
    remedy: 'Check the media server for transcoding and payload types.',
  },
} as const satisfies Record<string, Explained>
export type Finding = keyof typeof findings

/** Why a health is Unknown. The failure classes that are ours are reasons too. */
export const unknownReasons = {
  NeverRun: { sentence: 'No execution has finished yet.', remedy: 'Wait for the first slot.' },
  Suspended: {
    sentence: 'The probe is suspended.',
    remedy: 'Set suspend: false, or remove the annotation ringcheck.dev/paused from the namespace.',
  },
  NoThresholds: {
    sentence: 'Nothing is judged: there are no thresholds.',
    remedy: 'Choose a thresholdProfile or list thresholds.',
  },
  InvalidSpec: {
    sentence: 'A field holds a value that only Ringcheck can check, and it is not valid.',
    remedy: 'The message names the field; see `ringcheck validate`.',
  },
  Unsupported: {
    sentence: 'A field asks for something that this version cannot carry out.',
    remedy: 'The message names the field and what is supported.',
  },
  RegistrarMissing: {
    sentence: 'The registrar does not exist.',
    remedy: 'Create the SipRegistrar or correct registrarRef.name.',
  },
  RegistrarNotReady: { sentence: 'The registrar is not ready.', remedy: 'Look at the conditions of the SipRegistrar.' },
  AccountMissing: {
    sentence: 'The registrar has no such account.',
    remedy: 'Correct account, or add it to the registrar.',
  },
  SecretMissing: {
    sentence: 'A Secret that is referred to does not exist.',
    remedy: 'Create the Secret in the same namespace.',
  },
  SecretKeyMissing: {
    sentence: 'A Secret lacks the key that is referred to.',
    remedy: 'Add the key, or correct the reference.',
  },
  ConfigMapMissing: {
    sentence: 'A ConfigMap or its key that is referred to does not exist.',
    remedy: 'Create it in the same namespace, or correct the reference.',
  },
  NoAgent: { sentence: 'No agent was there to make the call.', remedy: 'Look at the agents of the location.' },
  NothingMeasured: {
    sentence: 'Nothing that is judged could be measured.',
    remedy: 'notMeasured of the execution lists the metrics; judge others or look why they are absent.',
  },
  Stale: {
    sentence: 'No execution finished in three due slots in a row.',
    remedy: 'Look at the operator and the agents: nobody is calling.',
  },
  Stopped: {
    sentence: 'We ended the execution ourselves: a stop, or the probe was suspended. It is no round and has no level.',
    remedy: 'Nothing; its slot runs once after the next start.',
  },
  NoCall: {
    sentence: 'Nobody called the callee inside its window.',
    remedy: 'Check the caller, which is somebody else: its schedule and its route.',
  },
} as const satisfies Record<string, Explained>
export type UnknownReason = keyof typeof unknownReasons | OurFailureClass

/** The failure classes that are our fault. */
export type OurFailureClass = {
  [Key in FailureClass]: (typeof failureClasses)[Key]['whose'] extends 'Ours' ? Key : never
}[FailureClass]
