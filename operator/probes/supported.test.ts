import { describe, expect, test } from 'vitest'
import { parseDocuments, problemLine } from '../../crds/index.ts'
import { unsupportedByProbe, unsupportedByRegistrar } from './supported.ts'

/** The only resource of a manifest that is valid. */
function resourceOf(kind: string, spec: string) {
  const text = `apiVersion: ringcheck.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: x }\nspec: ${spec}\n`
  const { resources, problems } = parseDocuments(text, 'x.yaml')
  if (!resources[0]) throw new Error(problems.map(problemLine).join('\n'))
  return resources[0].resource
}

function ofProbe(more: string): string | undefined {
  const resource = resourceOf('SipProbe', `{ registrarRef: { name: r }, target: 'sip:a@b', ${more} }`)
  return resource.kind === 'SipProbe' ? unsupportedByProbe(resource.spec) : 'no probe'
}

function ofRegistrar(more: string): string | undefined {
  const resource = resourceOf('SipRegistrar', `{ domain: example.com, register: false, ${more} }`)
  return resource.kind === 'SipRegistrar' ? unsupportedByRegistrar(resource.spec) : 'no registrar'
}

const turn = (uri: string) =>
  `{ uri: '${uri}', usernameRef: { name: t, key: user }, passwordRef: { name: t, key: password } }`

describe('what this version does not carry out is named', () => {
  test.each([
    ['media: { video: {}, encryption: DTLS }', 'spec.media.video'],
    ['media: { video: {}, ice: Lite }', 'spec.media.video'],
    ["media: { ice: Lite, stun: ['stun.example.com:3478'] }", 'spec.media.stun'],
    [`media: { turn: [${turn('turn:turn.example.com')}] }`, 'spec.media.turn'],
    [`media: { ice: Full, turn: [${turn('turns:turn.example.com')}] }`, 'spec.media.turn.uri'],
    ['scenario: [{ at: 1s, do: { hangup: {} } }]', 'spec.scenario'],
    ['scriptRef: { name: a, key: b }', 'spec.scriptRef'],
  ])('a probe with %s', (more, field) => {
    expect(ofProbe(more)).toContain(field)
  })

  test.each([
    ['engine: SipJs, transport: WS', 'spec.engine'],
    ['engine: Drachtio, drachtio: { host: d, secretRef: { name: a, key: b } }', 'spec.engine'],
  ])('a registrar with %s', (more, field) => {
    expect(ofRegistrar(more)).toContain(field)
  })
})

test('what it does carry out is not refused', () => {
  const codecs = ['PCMA', 'PCMU', 'G722', 'Opus'].map((codec) => `media: { audio: { codec: ${codec} } }`)
  const media = [
    'audio: { source: { tone: { frequency: 440 } } }',
    'audio: { source: { fileRef: { name: a, key: b } } }',
    'encryption: SDES',
    'encryption: Optional',
    'encryption: DTLS',
    'rtcpMux: true',
    'video: {}',
    'video: { codec: H264, resolution: R720p, fps: 15 }, encryption: SDES',
  ]
  const ice = ['ice: Lite', 'ice: Full', `ice: Full, stun: ['s.example:1'], turn: [${turn('turn:t.example')}]`]
  const others = [...media, ...ice]
    .map((each) => `media: { ${each} }`)
    .concat(['maintenance: []', 'traces: All', "webhooks: [{ name: a, url: 'https://b', format: Slack }]"])
  for (const more of [...codecs, ...others]) expect(ofProbe(more)).toBeUndefined()
  const transports = ['Auto', 'UDP', 'TCP', 'TLS', 'WS', 'WSS'].map((transport) => `transport: ${transport}`)
  const settings = [
    'ipFamily: IPv6',
    'tls: { verify: CA }',
    "outboundProxy: 'p.example.com;transport=wss'",
    'followRedirects: 5',
  ]
  for (const more of [...transports, ...settings]) expect(ofRegistrar(more)).toBeUndefined()
})
