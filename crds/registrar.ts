/** SipRegistrar: a SIP server, trunk or PBX and the accounts on it. */
import { z } from 'zod'
import { conditions, displayName, duration, list, mapOf, nameReference, secretKey, text } from './common.ts'
import type { DeepReadonly } from './common.ts'
import { isGlob } from './glob.ts'
import { age, defineKind } from './kind.ts'
import { ruled, SHARED } from './rules.ts'

const host = text(253, 0)
  .regex(/^([A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9])?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+)$/, 'be a host name or an IP address')
  .meta({ [SHARED]: 'Host' })
const port = z
  .int()
  .min(1)
  .max(65_535)
  .meta({ [SHARED]: 'Port' })

const glob = ruled(
  text(256, 0)
    .regex(/^[^\s]+$/, 'be a pattern without spaces')
    .meta({ description: '`*` is any text, `?` any character, `[0-9]` one of them.', [SHARED]: 'Glob' }),
  { message: 'must be a pattern of *, ? and [...], with every [ closed', holds: isGlob },
)

const account = z.strictObject({
  username: text(128, 0)
    .regex(/^[^\s@:<>"]+$/, 'be a user name without spaces and any of @ : < > and quotes')
    .meta({ description: 'User part of its address.' }),
  authUsername: text(128).exactOptional().meta({ description: 'User name of the digest. Absent: `username`.' }),
  displayName: text(128).exactOptional().meta({ description: 'Name in its From header.' }),
  realm: text(256)
    .exactOptional()
    .meta({ description: 'Realm the password is for. Absent: whatever the challenge says.' }),
  passwordRef: secretKey.exactOptional().meta({ description: 'Its password. Absent: none is sent.' }),
  extension: text(128).exactOptional().meta({ description: 'What others dial to reach it. Absent: `username`.' }),
})

const tls = z.strictObject({
  caRef: secretKey.exactOptional().meta({ description: 'Authorities to trust, PEM. Absent: the public ones.' }),
  clientCertificateRef: nameReference.exactOptional().meta({
    description: 'Secret of type kubernetes.io/tls with our certificate and its key, for a server that asks for one.',
  }),
  serverName: text(253).exactOptional().meta({
    description:
      'Name expected in the certificate and sent as SNI. Absent: the name in `outboundProxy`, and without one, or with an address there, `domain`.',
  }),
  verify: z.enum(['Full', 'CA', 'None']).default('Full').meta({
    description: 'What is checked: chain and name, the chain only, or nothing.',
  }),
})

const drachtio = z.strictObject({
  host: host.meta({ description: 'Where the drachtio server listens.' }),
  port: port.default(9022).meta({ description: 'Its control port.' }),
  secretRef: secretKey.meta({ description: 'Its shared secret.' }),
})

const policy = z.strictObject({
  maxConcurrentCalls: z
    .int()
    .min(1)
    .max(100_000)
    .exactOptional()
    .meta({ description: 'Calls at once. Absent: no limit.' }),
  maxCallsPerSecond: z
    .number()
    .min(0.1)
    .max(10_000)
    .exactOptional()
    .meta({ description: 'New calls a second. Absent: no limit.' }),
  reservedForProbes: z.int().min(0).max(100_000).exactOptional().meta({
    description: 'Calls of `maxConcurrentCalls` kept from load tests. Absent: a tenth, at least 1.',
  }),
  allowedTargets: list(glob, 100).default([]).meta({
    description: 'Patterns of targets that may be called. Empty: all but emergency numbers.',
  }),
  deniedTargets: list(glob, 100)
    .default([])
    .meta({ description: 'Patterns of targets that may not be called; they win.' }),
})

const spec = ruled(
  z.strictObject({
    displayName: displayName.exactOptional(),
    domain: host.meta({ description: 'Host name or IP address of the server; the domain of its addresses.' }),
    port: port.exactOptional().meta({
      description:
        'Absent: what SRV records of the name say (RFC 3263), else 5060 for UDP and TCP, 5061 for TLS, 80 for WS, 443 for WSS.',
    }),
    transport: z.enum(['Auto', 'UDP', 'TCP', 'TLS', 'WS', 'WSS']).default('UDP').meta({
      description: 'How SIP is carried. `Auto` asks NAPTR and SRV (RFC 3263).',
    }),
    ipFamily: z
      .enum(['Any', 'IPv4', 'IPv6'])
      .default('Any')
      .meta({ description: 'Which addresses of the server are used.' }),
    path: text(255, 0)
      .regex(/^\/[^\s]*$/, 'begin with / and have no spaces')
      .default('/')
      .meta({ description: 'Path of the WebSocket; WS and WSS only.' }),
    outboundProxy: text(300, 0)
      .regex(
        /^([A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(;transport=(udp|tcp|tls|ws|wss))?$/,
        'be host[:port][;transport=udp|tcp|tls|ws|wss]',
      )
      .exactOptional()
      .meta({
        description:
          '`host[:port][;transport=]`; becomes the first Route. An IP address pins the server: one attempt to one address.',
      }),
    register: z.boolean().default(true).meta({ description: 'False for trunks that know us by our address.' }),
    expires: duration('10s', '24h').default('300s').meta({ description: 'Expiry asked for in REGISTER.' }),
    tls: tls.exactOptional().meta({ description: 'How TLS and WSS are verified.' }),
    accounts: mapOf(account, 'username', 1000).default([]).meta({
      description:
        'Users on the server. May be empty where `register` is false: the caller is then `sip:ringcheck@<domain>`.',
    }),
    accountsRef: secretKey.exactOptional().meta({
      description: 'More accounts, as CSV: `username,password[,authUsername[,realm[,displayName]]]`.',
    }),
    engine: z.enum(['Native', 'SipJs', 'Drachtio']).default('Native').meta({ description: 'Who speaks SIP for us.' }),
    drachtio: drachtio.exactOptional().meta({ description: 'The drachtio server, for `engine: Drachtio`.' }),
    policy: policy
      .exactOptional()
      .meta({ description: 'The guard of a real trunk. Absent: no limits, and no emergency numbers.' }),
    followRedirects: z
      .int()
      .min(0)
      .max(5)
      .default(0)
      .meta({ description: 'How many 3xx responses of a call are followed; `policy` holds for those whom they name.' }),
  }),
  {
    path: 'accounts',
    message: 'accounts or accountsRef is needed to register',
    cel: '!self.register || self.accounts.size() > 0 || has(self.accountsRef)',
    holds: (value) => !value.register || value.accounts.length > 0 || value.accountsRef !== undefined,
  },
  {
    path: 'drachtio',
    message: 'drachtio must be there for engine Drachtio and for no other',
    cel: "has(self.drachtio) == (self.engine == 'Drachtio')",
    holds: (value) => (value.drachtio !== undefined) === (value.engine === 'Drachtio'),
  },
  {
    path: 'transport',
    message: 'transport must be WS or WSS for engine SipJs',
    cel: "self.engine != 'SipJs' || self.transport in ['WS', 'WSS']",
    holds: (value) => value.engine !== 'SipJs' || value.transport === 'WS' || value.transport === 'WSS',
  },
)

const status = z.object({
  observedGeneration: z.int().min(0).max(Number.MAX_SAFE_INTEGER).exactOptional(),
  accounts: z.int().min(0).max(1_000_000).exactOptional().meta({ description: 'How many accounts there are.' }),
  conditions: conditions.exactOptional(),
})

export const sipRegistrar = defineKind({
  kind: 'SipRegistrar',
  plural: 'sipregistrars',
  singular: 'sipregistrar',
  shortNames: ['sipreg'],
  description: 'A SIP server, trunk or PBX and the accounts on it. An account has one user at a time.',
  spec,
  status,
  columns: [
    { name: 'Domain', type: 'string', jsonPath: '.spec.domain' },
    { name: 'Transport', type: 'string', jsonPath: '.spec.transport' },
    { name: 'Accounts', type: 'integer', jsonPath: '.status.accounts' },
    { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
    age,
  ],
})

export type SipRegistrar = DeepReadonly<z.output<typeof sipRegistrar.schema>>
export type SipRegistrarSpec = SipRegistrar['spec']
export type SipRegistrarStatus = NonNullable<SipRegistrar['status']>
