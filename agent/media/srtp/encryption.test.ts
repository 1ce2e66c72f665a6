import { expect, test } from 'vitest'
import { createKeyLine, decideEncryption, type EncryptionPolicy, type RemoteEncryption, suiteNames } from './index.ts'
import { seededOctets } from './packets.fixture.ts'

const usable = createKeyLine(1, 'AEAD_AES_128_GCM', seededOctets(1)).line
const strange = { tag: 1, suite: 'AES_CM_128_NULL_AUTH', key: 'YWJj' }

/** What the other side may write. */
const remotes = {
  plain: { profile: 'RTP/AVP', keyLines: [], fingerprint: false },
  'plain with keys': { profile: 'RTP/AVP', keyLines: [usable], fingerprint: false },
  'plain with strange keys': { profile: 'RTP/AVP', keyLines: [strange], fingerprint: false },
  SDES: { profile: 'RTP/SAVP', keyLines: [strange, usable], fingerprint: false },
  'strange SDES': { profile: 'RTP/SAVP', keyLines: [strange], fingerprint: false },
  'SAVP without keys': { profile: 'RTP/SAVP', keyLines: [], fingerprint: false },
  DTLS: { profile: 'UDP/TLS/RTP/SAVPF', keyLines: [], fingerprint: true },
  'DTLS and SDES': { profile: 'RTP/SAVPF', keyLines: [usable], fingerprint: true },
} satisfies Record<string, RemoteEncryption>

const table: Record<EncryptionPolicy, Record<keyof typeof remotes, string>> = {
  None: {
    plain: 'Plain',
    'plain with keys': 'Plain',
    'plain with strange keys': 'Plain',
    SDES: 'EncryptionDemanded',
    'strange SDES': 'EncryptionDemanded',
    'SAVP without keys': 'EncryptionDemanded',
    DTLS: 'EncryptionDemanded',
    'DTLS and SDES': 'EncryptionDemanded',
  },
  SDES: {
    plain: 'NotEncrypted',
    'plain with keys': 'SDES',
    'plain with strange keys': 'NoUsableKey',
    SDES: 'SDES',
    'strange SDES': 'NoUsableKey',
    'SAVP without keys': 'OtherKeying',
    DTLS: 'OtherKeying',
    'DTLS and SDES': 'SDES',
  },
  DTLS: {
    plain: 'NotEncrypted',
    'plain with keys': 'NotEncrypted',
    'plain with strange keys': 'NotEncrypted',
    SDES: 'OtherKeying',
    'strange SDES': 'OtherKeying',
    'SAVP without keys': 'OtherKeying',
    DTLS: 'DTLS',
    'DTLS and SDES': 'DTLS',
  },
  Optional: {
    plain: 'Plain',
    'plain with keys': 'SDES',
    'plain with strange keys': 'Plain',
    SDES: 'SDES',
    'strange SDES': 'NoUsableKey',
    'SAVP without keys': 'OtherKeying',
    DTLS: 'OtherKeying',
    'DTLS and SDES': 'SDES',
  },
}

const policies = ['None', 'SDES', 'DTLS', 'Optional'] as const
const names = [
  'plain',
  'plain with keys',
  'plain with strange keys',
  'SDES',
  'strange SDES',
  'SAVP without keys',
] as const
const all = [...names, 'DTLS', 'DTLS and SDES'] as const
const rows = policies.flatMap((policy) => all.map((remote) => ({ policy, remote, expected: table[policy][remote] })))

test.each(rows)('$policy against $remote: $expected', ({ policy, remote, expected }) => {
  const decision = decideEncryption(policy, remotes[remote], { role: 'Answerer', suites: suiteNames })
  expect(decision.kind === 'NegotiationFailed' ? decision.reason : decision.kind).toBe(expected)
  expect(decision.kind !== 'SDES' || decision.key.line === usable).toBe(true)
})

test('a failure says what was there', () => {
  const choice = { role: 'Answerer', suites: suiteNames } as const
  expect(decideEncryption('SDES', remotes['strange SDES'], choice)).toMatchObject({
    detail: 'line 1: UnknownSuite AES_CM_128_NULL_AUTH',
  })
  expect(decideEncryption('SDES', remotes.DTLS, choice)).toMatchObject({
    detail: 'the stream is UDP/TLS/RTP/SAVPF with a=fingerprint',
  })
  expect(decideEncryption('DTLS', remotes['SAVP without keys'], choice)).toMatchObject({
    detail: 'the stream is RTP/SAVP with no keys',
  })
})
