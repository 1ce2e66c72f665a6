import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { OperatorConfig, fileKeys } from './config.ts'

const guide = (name: string) => readFileSync(join(import.meta.dirname, '../docs/guides', name), 'utf8')
const given = (keys: object) => OperatorConfig.safeParse({ podName: 'pod', image: 'ringcheck:1', ...keys })

describe('the configuration', () => {
  test('knows every key that the guides name', () => {
    const row = /^\| `config` .*$/m.exec(guide('install.md'))?.[0] ?? ''
    const named = [...row.matchAll(/`(\w+)`/g)].map(([, key]) => key).filter((key) => key !== 'config')
    expect(named.length).toBeGreaterThan(4)
    expect(named.filter((key) => !fileKeys.includes(key ?? ''))).toEqual([])
    const [, example = ''] = /```yaml\n(locations:[^`]*)```/.exec(guide('locations.md')) ?? []
    expect(given(parse(example)).error?.issues).toBeUndefined()
  })

  test('has a default for everything but the name of the pod and the image', () => {
    expect(given({}).data).toMatchObject({
      minInterval: '10s',
      retentionDays: { executions: 90, samples: 7, traces: 7, transitions: 400 },
      locations: { default: { agents: [], hostNetwork: false } },
    })
  })

  test.each([
    [{ minInterval: '5s' }, 'must be a duration from 10s to 24h'],
    [{ retentionDays: { executions: 0 } }, '>=1'],
    [{ retentionDays: { forever: 1 } }, 'forever'],
    [{ webhookNetworks: ['10.1.0.0'] }, 'must be a network such as 10.1.0.0/16'],
    [{ publicUrl: 'status.example.com' }, 'must be a URL'],
    [{ locations: { edge: { rtpPorts: '20000' } } }, 'must be FIRST-LAST'],
    [{ imagePullPolicy: 'Sometimes' }, 'IfNotPresent'],
    [{ api: '0.0.0.0:8080' }, 'off loopback api needs authentication: Kubernetes or Keys'],
    [{ image: undefined }, 'RINGCHECK_IMAGE is not set'],
    [{ agents: 'Threads' }, 'Children'],
  ])('%j is refused: %s', (keys, message) => {
    expect(
      given(keys)
        .error?.issues.map((issue) => issue.message)
        .join(),
    ).toContain(message)
  })

  test('needs no image where agents are no pods', () => {
    expect(given({ image: undefined, agents: 'Children' }).success).toBe(true)
  })
})
