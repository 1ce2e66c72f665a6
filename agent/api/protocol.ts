/** What operator and agent say to each other: RunPlan in, RunEvents out. Both sides parse with these schemas; neither trusts the other's types. */
import { z } from 'zod'
import { failureClasses, findings, metrics, outcomes } from '../../crds/index.ts'
import type { Finding, FailureClass, MetricKey, Outcome } from '../../crds/index.ts'

/** Raised when an old agent could not carry out a new plan, or an old operator not read a new event. */
export const PROTOCOL = 4

const text = (max: number) => z.string().min(1).max(max)
/** Milliseconds. */
const duration = z.number().int().min(0).max(86_400_000)
const port = z.number().int().min(1).max(65535)

const names = <Key extends string>(table: Record<Key, unknown>) => z.enum(Object.keys(table) as [Key, ...Key[]])

const account = z.object({
  username: text(128),
  authUsername: text(128).optional(),
  displayName: text(128).optional(),
  realm: text(256).optional(),
  password: z.string().max(1024).optional(),
  extension: text(128).optional(),
})

const transport = z.enum(['UDP', 'TCP', 'TLS', 'WS', 'WSS'])

/** Patterns. */
const targets = z.array(text(256)).max(100).readonly()

/** PEM. Room for a bundle of all public authorities. */
const pem = z.string().min(1).max(1_048_576)

const tls = z.object({
  /** The authorities that are trusted. Absent: those that Node trusts. */
  ca: pem.optional(),
  /** Ours, for a server that asks for one. */
  certificate: z.object({ certificate: pem, key: pem }).optional(),
  /** Asked for (SNI) and verified. Absent: the host of the first hop. */
  serverName: text(253).optional(),
  verify: z.enum(['Full', 'CA', 'None']),
})

/** What is left out is located (RFC 3263), and without a record it is UDP and the default port of the transport. */
const hop = { port: port.optional(), transport: transport.optional() }

const registrar = z.object({
  domain: text(253),
  ...hop,
  /** Of a WebSocket's URL. */
  path: text(255).optional(),
  /** The only addresses of a name that are used. */
  ipFamily: z.enum(['IPv4', 'IPv6']).optional(),
  tls: tls.optional(),
  /** False: an IP-authenticated trunk, no REGISTER is sent. */
  register: z.boolean(),
  /** Milliseconds asked for in REGISTER. */
  expires: duration,
  outboundProxy: z.object({ host: text(253), ...hop }).optional(),
  /** How many 3xx answers of a call are followed. Absent: none. */
  followRedirects: z.number().int().min(0).max(5).optional(),
  /** Who may be called at all, by a 3xx too. Absent: all but emergency numbers. */
  policy: z.object({ allowedTargets: targets, deniedTargets: targets }).optional(),
})

const server = z.object({ host: text(255), port })

const ice = z.object({
  mode: z.enum(['Lite', 'Full']),
  stun: z.array(server).max(5),
  turn: z
    .array(
      server.extend({
        transport: z.enum(['udp', 'tcp']),
        username: z.string().max(1024),
        password: z.string().max(1024),
      }),
    )
    .max(5),
})

/** Octets: more than a ConfigMap can hold. */
export const LARGEST_FILE = 1_125_000

const source = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('Speech') }),
  /** Hertz and dBov. */
  z.object({
    kind: z.literal('Tone'),
    frequency: z.number().int().min(200).max(3400),
    level: z.number().min(-60).max(-3),
  }),
  /** A WAV file that `readWave` takes; the name is what a human calls it. */
  z.object({
    kind: z.literal('Recording'),
    name: text(600),
    file: z
      .base64()
      .min(1)
      .max((LARGEST_FILE / 3) * 4),
  }),
])

const video = z.object({
  codec: z.enum(['VP8', 'H264']),
  /** Of what is sent. */
  resolution: z.enum(['R360p', 'R720p', 'R1080p']),
  /** Frames a second. */
  frameRate: z.number().int().min(5).max(60),
})

const media = z.object({
  audio: z.object({
    codec: z.enum(['PCMA', 'PCMU', 'G722', 'Opus']),
    ptime: z.number().int().min(10).max(60),
    source,
  }),
  /** Absent: none. A call without it fails. */
  video: video.optional(),
  /** SRTP with keys in the session description, demanded or offered, or by a handshake. Absent: none. */
  encryption: z.enum(['SDES', 'Optional', 'DTLS']).optional(),
  /** RTP and RTCP share a port when the other side can, too. Absent: they do not. */
  rtcpMux: z.literal(true).optional(),
  /** Absent: no ICE. */
  ice: ice.optional(),
  jitterBuffer: z.object({ mode: z.enum(['Fixed', 'Adaptive']), delay: duration }),
})

const endpoint = z.object({
  id: text(253),
  role: z.enum(['Caller', 'Callee']),
  account: account.optional(),
  registrar,
  /** SIP URI; a Callee and a Register check have none. */
  target: text(1024).optional(),
  media,
  /** From answer to our BYE. */
  callDuration: duration,
  remoteHangup: z.enum(['Fail', 'Allow']),
})

export const RunPlan = z.object({
  protocol: z.literal(PROTOCOL),
  /** The execution's id, also the first part of its Call-IDs. */
  id: z.string().regex(/^[A-Za-z0-9-]{1,128}$/),
  /** The leader's epoch; an agent refuses a plan of an older one. */
  epoch: z.number().int().min(0),
  kind: z.literal('Probe'),
  namespace: text(63),
  name: text(253),
  generation: z.number().int().min(0),
  location: text(63),
  check: z.enum(['Call', 'Options', 'Register']),
  /** The slot this execution belongs to: milliseconds since 1970. */
  slot: z.number().int(),
  endpoint,
  /** `call` is how long a Callee waits. */
  timeouts: z.object({ register: duration, answer: duration, call: duration }),
  /** In force when the plan was made; the result is judged by them. */
  thresholds: z.record(z.string(), z.object({ warning: z.number(), critical: z.number() })),
})
export type RunPlan = z.infer<typeof RunPlan>

/** What an agent knows of a run that it has, running or kept: enough for a new leader to take it over. */
export const RunSummary = RunPlan.pick({
  ...{ id: true, epoch: true, namespace: true, name: true, generation: true },
  ...{ location: true, slot: true, thresholds: true },
}).extend({ state: z.enum(['Running', 'Finished']) })
export type RunSummary = z.infer<typeof RunSummary>

/** An operator says that it leads; the agent answers with what it has, and takes nothing of an older epoch from then on. */
export const Leader = RunPlan.pick({ epoch: true })
export const LeaderAnswer = z.object({ protocol: z.literal(PROTOCOL), runs: z.array(RunSummary) })

/** In each request of an operator that leads: its epoch. An agent that heard of a newer one refuses it. */
export const EPOCH_HEADER = 'ringcheck-epoch'

export const phases = [
  'Pending',
  'Registering',
  'Registered',
  'Waiting',
  'Calling',
  'Ringing',
  'InCall',
  'Ending',
  'Done',
] as const
export type Phase = (typeof phases)[number]

const measured = z.partialRecord(names<MetricKey>(metrics), z.number())

const mosBasis = z.object({
  model: z.string(),
  codec: z.string(),
  jitterBuffer: z.string(),
  delayBasis: z.string(),
  /** Constants of the model that no Recommendation confirms. */
  assumed: z.array(z.string()).readonly().exactOptional(),
})
const address = z.object({ host: z.string(), port: z.number(), transport })

/** A DTMF digit that came as telephone-event (RFC 4733). Milliseconds; `at` since the answer, `gap` since the digit before. */
const digit = z.object({
  digit: z.string().length(1),
  at: z.number(),
  duration: z.number(),
  gap: z.number().exactOptional(),
  /** Whether its end came. */
  complete: z.boolean(),
})

/** What both sides agreed on, last. */
const agreed = z.object({
  /** The name of its rtpmap. */
  codec: z.string(),
  /** The SRTP suite. Absent: media was not encrypted. */
  suite: z.string().exactOptional(),
  rtcpMux: z.boolean(),
  /** Absent: there was no video. */
  video: z.object({ codec: z.string(), suite: z.string().exactOptional() }).exactOptional(),
  /** The handshake that the keys are of, milliseconds. Absent: there was none. */
  dtls: z.object({ handshakeTime: z.number() }).exactOptional(),
  /** The pair of candidates in use, by their types, and what servers that gave none did. Milliseconds. Absent: without ICE. */
  ice: z
    .object({
      local: z.string(),
      remote: z.string(),
      gatheringTime: z.number(),
      connectTime: z.number(),
      problems: z.array(z.string()).readonly(),
    })
    .exactOptional(),
})

/** One check's result: what was measured and how it ended, without a judgement. */
const result = z.object({
  outcome: z.enum(outcomes as unknown as [Outcome, ...Outcome[]]),
  failureClass: names<FailureClass>(failureClasses).optional(),
  /** One sentence for a human, naming who said what. */
  message: z.string(),
  /** True: a Callee whose call never came; nothing can be said of the target. */
  noCall: z.boolean().optional(),
  /** True: we cut it ourselves (stop, drain). It has no level and is no round. */
  stopped: z.boolean().optional(),
  /** The last final SIP response that mattered. */
  sip: z.object({ code: z.number().int(), reason: z.string() }).optional(),
  metrics: measured,
  mosBasis: mosBasis.optional(),
  findings: z.array(names<Finding>(findings)),
  /** Absent: there was no answered call. */
  media: agreed.exactOptional(),
  /** Absent: none came. */
  digits: z.array(digit).max(1000).exactOptional(),
  /** Milliseconds since 1970. */
  startedAt: z.number(),
  finishedAt: z.number(),
  callId: z.string().optional(),
  /** Who it was that answered. */
  remote: address.optional(),
  /** Addresses that were asked before, in order, each with what became of it: `said nothing`. `host` is a name where there was no address. */
  attempts: z.array(z.object({ remote: address, why: z.string() })).optional(),
  /** What the server showed of itself over TLS; `validTo` in milliseconds since 1970. */
  certificate: z.object({ subject: z.string(), validTo: z.number() }).optional(),
  userAgent: z.string().optional(),
  retransmissions: z.object({ sent: z.number().int(), received: z.number().int() }),
  authenticationRounds: z.number().int(),
})
export type CallResult = z.infer<typeof result>

const traceMessage = z.object({
  /** Milliseconds since 1970. */
  at: z.number(),
  direction: z.enum(['In', 'Out']),
  transport,
  local: z.string(),
  remote: z.string(),
  /** As it was on the wire, secrets redacted. */
  text: z.string(),
  /** It went, or came, once before. Absent: it did not, or a trace of an older agent does not say. */
  retransmission: z.literal(true).optional(),
})
export type TracedMessage = z.infer<typeof traceMessage>

const head = { seq: z.number().int().min(1), /** Milliseconds since 1970. */ at: z.number() }

export const RunEvent = z.discriminatedUnion('type', [
  z.object({ ...head, type: z.literal('Phase'), phase: z.enum(phases), detail: z.string().optional() }),
  z.object({ ...head, type: z.literal('Sample'), second: z.number().int().min(0), metrics: measured }),
  z.object({ ...head, type: z.literal('Call'), result }),
  z.object({ ...head, type: z.literal('Trace'), messages: z.array(traceMessage), truncated: z.boolean() }),
  /** The generator was over its limits; the results of this run say nothing about the target. */
  z.object({ ...head, type: z.literal('Saturation'), reason: z.string() }),
  /** Always the last one of a run. */
  z.object({ ...head, type: z.literal('End') }),
])
export type RunEvent = z.infer<typeof RunEvent>
