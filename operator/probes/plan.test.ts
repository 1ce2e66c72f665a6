import { mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { RunPlan } from '../../agent/index.ts'
import { wave } from '../../agent/media/source/wave.fixture.ts'
import { createLog } from '../../lib/log.ts'
import { ManualClock } from '../../lib/manual-clock.ts'
import { certificateAuthority } from '../../test/lab/certificates.ts'
import { openLocalCluster } from '../cluster/local/index.ts'
import { openHistory } from '../history/index.ts'
import { makePlan, prepare } from './plan.ts'

const now = Date.now()

interface Declared {
  target?: string
  /** Manifests of Secrets and ConfigMaps. */
  more?: string
  media?: string
}

/** What becomes of a probe at a registrar with these fields: the endpoint of its plan, or why there is none. */
async function planned(fields: string, { target = 'sip:a@b.example', more = '', media = '{}' }: Declared = {}) {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(mkdtempDisposableSync(join(tmpdir(), 'plan-'))).path
  const log = createLog({ name: 'test', level: 'silent' })
  const manifests = [
    `kind: SipRegistrar\nmetadata: { name: lab }\nspec: { register: false, ${fields} }`,
    `kind: SipProbe\nmetadata: { name: trunk }\nspec: { registrarRef: { name: lab }, target: '${target}', media: ${media} }`,
  ]
  const text = manifests.map((each) => `apiVersion: ringcheck.dev/v1alpha1\n${each}\n---\n`).join('')
  writeFileSync(join(folder, 'all.yaml'), text + more)
  const clock = new ManualClock(now)
  const history = stack.use(await openHistory({ file: ':memory:', clock }))
  const cluster = stack.use(await openLocalCluster({ folder, objects: history.objects, clock, log }))
  expect(cluster.problems()).toEqual([])
  const probe = cluster.get('SipProbe', { namespace: 'default', name: 'trunk' })
  if (!probe) throw new Error('no probe')
  const prepared = await prepare(probe, cluster, now)
  if (prepared.kind === 'NotPrepared') return { reason: prepared.reason, message: prepared.message }
  const plan = makePlan({ probe, prepared, location: 'default', slot: 0, epoch: 1 })
  expect(RunPlan.parse(plan)).toEqual(plan)
  return plan.endpoint
}

function sounds(file: Buffer, key = 'a.wav'): string {
  const binaryData = JSON.stringify({ [key]: file.toString('base64') })
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: sounds }\nbinaryData: ${binaryData}\n`
}

async function registrarIn(fields: string, declared?: Declared) {
  const outcome = await planned(fields, declared)
  return 'registrar' in outcome ? outcome.registrar : outcome
}

const always = { path: '/', register: false, expires: 300_000, tls: { verify: 'Full' }, followRedirects: 0 }

describe('a registrar', () => {
  test.each<[fields: string, planned: object]>([
    ['domain: b.example', { domain: 'b.example', transport: 'UDP' }],
    ['domain: b.example, transport: Auto', { domain: 'b.example' }],
    ['domain: b.example, transport: TLS', { domain: 'b.example', transport: 'TLS' }],
    [
      'domain: b.example, transport: WSS, port: 8443, path: /ws',
      { domain: 'b.example', transport: 'WSS', port: 8443, path: '/ws' },
    ],
    ["domain: '2001:db8::1', transport: TCP", { domain: '2001:db8::1', transport: 'TCP' }],
    [
      'domain: b.example, ipFamily: IPv6, followRedirects: 3',
      { domain: 'b.example', transport: 'UDP', ipFamily: 'IPv6', followRedirects: 3 },
    ],
    [
      'domain: b.example, policy: { maxConcurrentCalls: 2, deniedTargets: ["09*"] }',
      { domain: 'b.example', transport: 'UDP', policy: { allowedTargets: [], deniedTargets: ['09*'] } },
    ],
    [
      'domain: b.example, tls: { serverName: s.example, verify: CA }, transport: TLS',
      { domain: 'b.example', transport: 'TLS', tls: { serverName: 's.example', verify: 'CA' } },
    ],
  ])('with %s', async (fields, planned) => {
    expect(await registrarIn(fields)).toEqual({ ...always, ...planned })
  })

  test.each<[proxy: string, transport: string, planned: object]>([
    ['p.example', 'UDP', { host: 'p.example', transport: 'UDP' }],
    ['p.example', 'Auto', { host: 'p.example' }],
    ['p.example:5070;transport=tcp', 'UDP', { host: 'p.example', port: 5070, transport: 'TCP' }],
    ['p.example;transport=wss', 'Auto', { host: 'p.example', transport: 'WSS' }],
    ['192.0.2.1', 'TLS', { host: '192.0.2.1', transport: 'TLS' }],
    ['[2001:db8::1]:5071', 'TLS', { host: '2001:db8::1', port: 5071, transport: 'TLS' }],
  ])('with outbound proxy %s and transport %s', async (proxy, transport, outboundProxy) => {
    const planned = await registrarIn(`domain: b.example, transport: ${transport}, outboundProxy: '${proxy}'`)
    expect(planned).toMatchObject({ outboundProxy })
    expect(planned).toHaveProperty('outboundProxy', outboundProxy)
  })

  test('with an authority and a client certificate in Secrets', async () => {
    const authority = await certificateAuthority()
    const own = await authority.issue(['alice'])
    const stringData = JSON.stringify({ 'ca.crt': authority.ca, 'tls.crt': own.certificate, 'tls.key': own.key })
    const more = `apiVersion: v1\nkind: Secret\nmetadata: { name: tls }\ntype: kubernetes.io/tls\nstringData: ${stringData}\n`
    const fields = `domain: b.example, transport: TLS, tls: { caRef: { name: tls, key: ca.crt }, clientCertificateRef: { name: tls } }`
    expect(await registrarIn(fields, { more })).toMatchObject({
      tls: { ca: authority.ca, certificate: own, verify: 'Full' },
    })
  })

  test('whose certificate cannot be had makes no plan', async () => {
    const fields = 'domain: b.example, transport: TLS, tls: { clientCertificateRef: { name: tls } }'
    expect(await registrarIn(fields)).toMatchObject({ reason: 'SecretMissing' })
    const more = `apiVersion: v1\nkind: Secret\nmetadata: { name: tls }\nstringData: { tls.crt: none, tls.key: none }\n`
    expect(await registrarIn(fields, { more })).toMatchObject({
      reason: 'RegistrarNotReady',
      message: 'The Secret tls has under tls.crt no certificate in PEM.',
    })
  })
})

describe('media', () => {
  const speech = { ptime: 20, source: { kind: 'Speech' } }
  const jitterBuffer = { mode: 'Fixed', delay: 60 }

  test.each<[media: string, planned: object]>([
    ['{}', { audio: { codec: 'PCMA', ...speech }, jitterBuffer }],
    ['{ audio: { codec: Opus, ptime: 40 } }', { audio: { codec: 'Opus', ...speech, ptime: 40 }, jitterBuffer }],
    [
      '{ audio: { codec: G722, source: { tone: {} } }, encryption: SDES, rtcpMux: true }',
      {
        audio: { codec: 'G722', ptime: 20, source: { kind: 'Tone', frequency: 1004, level: -16 } },
        encryption: 'SDES',
        rtcpMux: true,
        jitterBuffer,
      },
    ],
    ['{ encryption: DTLS }', { audio: { codec: 'PCMA', ...speech }, encryption: 'DTLS', jitterBuffer }],
    ['{ ice: Lite }', { audio: { codec: 'PCMA', ...speech }, ice: { mode: 'Lite', stun: [], turn: [] }, jitterBuffer }],
    [
      '{ video: { codec: H264, resolution: R720p } }',
      {
        audio: { codec: 'PCMA', ...speech },
        video: { codec: 'H264', resolution: 'R720p', frameRate: 30 },
        jitterBuffer,
      },
    ],
    ['{ encryption: Optional }', { audio: { codec: 'PCMA', ...speech }, encryption: 'Optional', jitterBuffer }],
  ])('of %s', async (media, expected) => {
    expect(await planned('domain: b.example', { media })).toHaveProperty('media', expected)
  })

  test('of a tone, and of a WAV file in a ConfigMap', async () => {
    const tone = await planned('domain: b.example', {
      media: '{ audio: { source: { tone: { frequency: 440, level: -20.5 } } } }',
    })
    expect(tone).toHaveProperty('media.audio.source', { kind: 'Tone', frequency: 440, level: -20.5 })
    const file = wave(Buffer.alloc(160))
    const media = '{ audio: { source: { fileRef: { name: sounds, key: a.wav } } } }'
    const recording = await planned('domain: b.example', { media, more: sounds(file) })
    const expected = { kind: 'Recording', name: 'sounds/a.wav', file: file.toString('base64') }
    expect(recording).toHaveProperty('media.audio.source', expected)
  })

  test.each<[why: string, reason: string, message: string, more: string]>([
    ['is not there', 'ConfigMapMissing', 'the ConfigMap sounds does not exist', ''],
    ['has not the key', 'ConfigMapMissing', 'the ConfigMap sounds has no key b.wav', sounds(wave(Buffer.alloc(160)))],
    [
      'has no WAV file',
      'InvalidSpec',
      'the file b.wav in the ConfigMap sounds is no WAV file; allowed is a RIFF file of the form WAVE',
      sounds(Buffer.from('ID3'), 'b.wav'),
    ],
    [
      'has a WAV file that is empty',
      'InvalidSpec',
      'the file b.wav in the ConfigMap sounds has no sample; allowed is up to 120 s',
      sounds(wave(Buffer.alloc(0)), 'b.wav'),
    ],
  ])('of a ConfigMap that %s makes no plan', async (_, reason, message, more) => {
    const media = '{ audio: { source: { fileRef: { name: sounds, key: b.wav } } } }'
    const outcome = await planned('domain: b.example', { media, more })
    expect(outcome).toEqual({ reason, message: `spec.media.audio.source.fileRef: ${message}.` })
  })

  const secrets =
    'apiVersion: v1\nkind: Secret\nmetadata: { name: turn }\nstringData: { user: lab, password: pw-lab }\n'
  const account = { username: 'lab', password: 'pw-lab' }
  const ice = (servers: string) => `{ ice: Full, ${servers} }`
  const turn = (uri: string, key = 'password') =>
    ice(`turn: [{ uri: '${uri}', usernameRef: { name: turn, key: user }, passwordRef: { name: turn, key: ${key} } }]`)

  test.each<[media: string, planned: object]>([
    [ice("stun: ['stun.example:3478']"), { stun: [{ host: 'stun.example', port: 3478 }] }],
    [ice("stun: ['[2001:db8::1]:3478']"), { stun: [{ host: '2001:db8::1', port: 3478 }] }],
    [turn('turn:t.example'), { turn: [{ host: 't.example', port: 3478, transport: 'udp', ...account }] }],
    [
      turn('turn:t.example:443?transport=tcp'),
      { turn: [{ host: 't.example', port: 443, transport: 'tcp', ...account }] },
    ],
    [turn('turn:[::1]:53?transport=udp'), { turn: [{ host: '::1', port: 53, transport: 'udp', ...account }] }],
  ])('of %s: servers with their accounts', async (media, expected) => {
    const endpoint = await planned('domain: b.example', { media, more: secrets })
    expect(endpoint).toHaveProperty('media.ice.mode', 'Full')
    expect(endpoint).toMatchObject({ media: { ice: expected } })
  })

  test.each<[media: string, reason: string, message: string]>([
    [
      ice("stun: ['stun.example:99999']"),
      'InvalidSpec',
      'spec.media.stun[0]: is stun.example:99999, must be host:port',
    ],
    [turn('turn:t.example:0'), 'InvalidSpec', 'spec.media.turn[0].uri: is turn:t.example:0'],
    [turn('turn:t.example?transport=sctp'), 'InvalidSpec', 'spec.media.turn[0].uri: is turn:t.example?transport=sctp'],
    [turn('turn:t.example', 'pin'), 'SecretKeyMissing', 'The Secret turn has no key pin.'],
  ])('of %s makes no plan', async (media, reason, message) => {
    const outcome = await planned('domain: b.example', { media, more: secrets })
    expect(outcome).toMatchObject({ reason, message: expect.stringContaining(message) })
  })
})

describe('a sips target', () => {
  const target = 'sips:a@b.example'
  test.each(['transport: TLS', 'transport: WSS', 'transport: Auto', "outboundProxy: 'p.example;transport=tls'"])(
    'is called with %s',
    async (fields) => {
      expect(await registrarIn(`domain: b.example, ${fields}`, { target })).toHaveProperty('domain')
    },
  )

  test.each(['transport: UDP', 'transport: TCP', 'transport: WS', "transport: TLS, outboundProxy: 'p;transport=tcp'"])(
    'is not called with %s',
    async (fields) => {
      expect(await registrarIn(`domain: b.example, ${fields}`, { target })).toMatchObject({ reason: 'InvalidSpec' })
    },
  )
})
