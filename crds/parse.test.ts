import { describe, expect, test } from 'vitest'
import { parseDocuments, problemLine } from './index.ts'

const head = (kind: string, name = 'a') =>
  `apiVersion: ringcheck.dev/v1alpha1\nkind: ${kind}\nmetadata:\n  name: ${name}\n`
const probe = (spec: string, name = 'a') =>
  `${head('SipProbe', name)}spec:\n  registrarRef: { name: pbx }\n  target: sip:echo@pbx.example.org\n${spec}`
const lines = (text: string | Uint8Array) => parseDocuments(text, 'f.yaml').problems.map(problemLine)

describe('what is read', () => {
  test('several documents, with the line each begins on', () => {
    const { resources, problems } = parseDocuments(`# a comment\n${probe('')}---\n${probe('', 'b')}---\n`, 'f.yaml')
    expect(problems).toEqual([])
    expect(resources.map(({ resource, line }) => [resource.metadata.name, line])).toEqual([
      ['a', 2],
      ['b', 10],
    ])
  })

  test('defaults are applied, the namespace is default', () => {
    const [parsed] = parseDocuments(probe(''), 'f.yaml').resources
    expect(parsed?.resource).toMatchObject({
      metadata: { name: 'a', namespace: 'default' },
      spec: { schedule: { interval: '5m' }, callDuration: '10s', thresholdProfile: 'Standard', quorum: 1 },
    })
  })

  test('one broken document loses nothing of the others', () => {
    const { resources, problems } = parseDocuments(
      `${probe('')}---\na: {\n---\n${probe('  "x\n')}---\n${probe('', 'c')}`,
      'f',
    )
    expect(resources.map(({ resource }) => resource.metadata.name)).toEqual(['a', 'c'])
    expect(problems).not.toHaveLength(0)
  })

  test('a field without a value is a field that is not there', () => {
    expect(lines(probe('  account:\n  suspend: null\n'))).toEqual([])
    expect(lines(probe('').replace(/target: .*/, 'target:'))).toEqual([
      'f.yaml:7:3: spec.target: target is needed by a Caller whose check is Call or Options',
    ])
  })

  test('what a file says about status is ignored, as the API server does', () => {
    const { resources, problems } = parseDocuments(`${probe('')}status: { health: Nonsense }\n`, 'f.yaml')
    expect(problems).toEqual([])
    expect(resources[0]?.resource).not.toHaveProperty('status')
  })

  test('Secrets and ConfigMaps, their data as text', () => {
    const text = `apiVersion: v1\nkind: Secret\nmetadata: { name: s }\ndata: { a: c2VjcmV0 }\nstringData: { b: plain }\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: c }\ndata: { k: v }\n`
    const { resources } = parseDocuments(text, 'f.yaml')
    expect(resources.map(({ resource }) => ('data' in resource ? resource.data : undefined))).toEqual([
      { a: 'secret', b: 'plain' },
      { k: 'v' },
    ])
  })

  test('an empty file, a comment and empty documents are nothing', () => {
    for (const text of ['', '# nothing\n', '---\n---\n', '\ufeff']) {
      expect(parseDocuments(text, 'f.yaml')).toEqual({ resources: [], problems: [] })
    }
  })

  test('anchors work', () => {
    const text = probe(
      '  thresholds: &t { rtt: { warning: 1, critical: 2 } }\n  locations: [{ name: here, thresholds: *t }]\n',
    )
    expect(lines(text)).toEqual([])
  })

  test('line ends of Windows are line ends', () => {
    expect(lines(probe('').replaceAll('\n', '\r\n'))).toEqual([])
  })
})

describe('what is refused, and where', () => {
  test.each([
    [
      'an unknown field, with the one that was meant',
      probe('  targt: x\n'),
      'f.yaml:8:3: spec.targt: unknown field; did you mean target?',
    ],
    ['a value of the wrong type', probe('  quorum: one\n'), 'f.yaml:8:3: spec.quorum: found "one"; must be a number'],
    [
      'a slip in a closed set',
      probe('  mode: caller\n'),
      'f.yaml:8:3: spec.mode: found "caller"; must be one of Caller, Callee; did you mean Caller?',
    ],
    ['a field that is there twice', probe('  quorum: 1\n  quorum: 1\n'), 'f.yaml:9:3: spec.quorum: is there twice'],
    ['a tab', probe('\tquorum: 1\n'), 'f.yaml:8:1: Tabs are not allowed as indentation'],
    [
      'a plain word that kubectl reads as a boolean',
      probe('  account: on\n'),
      'f.yaml:8:12: spec.account: kubectl reads the plain word on as a boolean: write it in quotes',
    ],
    [
      'an alias without an anchor',
      probe('  account: *a\n'),
      'f.yaml:8:12: spec.account: the alias *a has no anchor before it',
    ],
    [
      'another version',
      probe('').replace('v1alpha1', 'v1'),
      'f.yaml:1:1: apiVersion: found "ringcheck.dev/v1"; SipProbe is of ringcheck.dev/v1alpha1',
    ],
    [
      'a kind that is nearly one',
      probe('').replace('SipProbe', 'SIPProb'),
      'f.yaml:2:1: kind: found "SIPProb"; did you mean SipProbe?',
    ],
    [
      'a kind of somebody else',
      'apiVersion: apps/v1\nkind: Deployment\n',
      'f.yaml:2:1: kind: found "Deployment"; must be one of SipRegistrar, SipProbe, SipLoadTest, SipLoadTestRun, StatusPage, Secret, ConfigMap',
    ],
    ['something that is no object', '- a\n', 'f.yaml:1:1: must be an object with apiVersion, kind, metadata and spec'],
    [
      'a field that is missing',
      `${head('SipProbe')}spec: {}\n`,
      'f.yaml:5:1: spec.registrarRef: required, but missing',
    ],
    [
      'a bad item of a list, by its index',
      probe('  locations:\n    - name: a\n    - name: B\n'),
      'f.yaml:10:7: spec.locations[1].name: found "B"; must be a name of a-z, 0-9 and -',
    ],
    [
      'threshold on the wrong side',
      probe('  thresholds: { mos: { warning: 2, critical: 3 } }\n'),
      'f.yaml:8:36: spec.thresholds.mos.critical: critical must not be above warning: a higher value is better',
    ],
  ])('%s', (_, text, line) => {
    expect(lines(text)).toEqual([line])
  })

  test('bytes that are not UTF-8', () => {
    expect(lines(Uint8Array.of(0x61, 0xff))).toEqual(['f.yaml:1:1: is not a text in UTF-8'])
  })

  test('a file that is too large', () => {
    expect(lines('#'.repeat(5_000_000))).toEqual(['f.yaml:1:1: is too large: 5000000 bytes, at most 4194304 are read'])
  })

  test('an alias bomb costs no memory', () => {
    const levels = Array.from(
      { length: 20 },
      (_, index) =>
        `a${index + 1}: &a${index + 1} [${'*a0 '.replace('0', String(index)).repeat(1)}, *a${index}, *a${index}]`,
    )
    const [line] = lines(`a0: &a0 [x, x]\n${levels.join('\n')}\n`)
    expect(line).toMatch(/holds too much/)
  })

  test('deep nesting', () => {
    expect(lines(`a: ${'['.repeat(100_000)}`)).not.toEqual([])
    expect(lines(`a: ${'['.repeat(1000)}${']'.repeat(1000)}`).join()).toMatch(/too much|too deep/)
  })

  test('many fields are read in time', () => {
    const many = Array.from({ length: 50_000 }, (_, index) => `  k${index}: v`).join('\n')
    const { resources } = parseDocuments(
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c }\ndata:\n${many}\n`,
      'f.yaml',
    )
    expect(resources).toHaveLength(1)
  })
})

describe('secrets', () => {
  test('no message repeats a value of a Secret', () => {
    const text = `apiVersion: v1\nkind: Secret\nmetadata: { name: s }\nstringData: { password: [hunter2] }\ndata: { key: 'hunter2!' }\ntype: { hunter2: 1 }\n`
    const found = lines(text)
    expect(found).toHaveLength(3)
    expect(found.join()).not.toContain('hunter2')
  })

  test('nor a password written where a reference belongs, nor a URL', () => {
    const text = `${head('SipRegistrar')}spec:\n  domain: a\n  accounts:\n    - username: u\n      password: hunter2\n      passwordRef: hunter2\n`
    expect(lines(text)).toHaveLength(2)
    expect(lines(text).join()).not.toContain('hunter2')
    const hook = probe('  webhooks: [{ name: a, url: "ftp://u:hunter2@x" }]\n')
    expect(lines(hook)).toEqual([
      'f.yaml:8:25: spec.webhooks[0].url: found a text; must be a URL that begins with https:// or http://',
    ])
  })
})
