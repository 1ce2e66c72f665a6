import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startCluster } from './cluster.ts'

const ROOT = join(import.meta.dirname, '../..')

describe('a cluster of the level api', () => {
  test('serves our kinds, and takes every sample', async () => {
    await using cluster = await startCluster({ level: 'api' })
    await cluster.installCrds()
    await cluster.kubectl('apply', '--validate=strict', '--filename', join(ROOT, 'config/samples/base'))
    const names = await cluster.kubectl('get', 'sipprobes', '--output', 'name')
    expect(names).toContain('sipprobe.ringcheck.dev/')
  })

  test('knows a ServiceAccount by its token, and writes down what it asked', async () => {
    await using cluster = await startCluster({ level: 'api', audit: true })
    await cluster.kubectl('create', 'serviceaccount', 'reader')
    const kubeconfig = await cluster.kubeconfigOf({ namespace: 'default', name: 'reader' })
    await expect(cluster.kubectl('get', 'secrets', '--kubeconfig', kubeconfig)).rejects.toThrow(
      'User "system:serviceaccount:default:reader" cannot list resource "secrets"',
    )
    const asked = cluster.audit().filter(({ user }) => user.username === 'system:serviceaccount:default:reader')
    expect(
      asked.map(({ verb, objectRef, responseStatus }) => [verb, objectRef?.resource, responseStatus?.code]),
    ).toEqual(expect.arrayContaining([['list', 'secrets', 403]]))
  })

  test('keeps what it has over a restart and a stall of the API server', async () => {
    await using cluster = await startCluster({ level: 'api' })
    await cluster.kubectl('create', 'configmap', 'kept')
    await cluster.restartApiServer(0)
    expect(await cluster.kubectl('get', 'configmap', 'kept', '--output', 'name')).toBe('configmap/kept\n')
    {
      using _stalled = cluster.stallApiServer()
      await expect(cluster.kubectl('get', 'configmap', 'kept', '--request-timeout=1s')).rejects.toThrow(
        /timeout|exceeded/i,
      )
    }
    expect(await cluster.kubectl('get', 'configmap', 'kept', '--output', 'name')).toBe('configmap/kept\n')
  })

  test('answers 410 Gone for a watch from before what was forgotten', async () => {
    await using cluster = await startCluster({ level: 'api' })
    const before = JSON.parse(await cluster.kubectl('get', '--raw', '/api/v1/configmaps'))
    await cluster.kubectl('create', 'configmap', 'later')
    await cluster.compact()
    await cluster.restartApiServer(0)
    const watch = `/api/v1/configmaps?watch=true&timeoutSeconds=5&resourceVersion=${before.metadata.resourceVersion}`
    const answer = await cluster.kubectl('get', '--raw', watch).catch(String)
    expect(answer).toContain('too old resource version')
  })

  test('two of them know nothing of each other', async () => {
    await using one = await startCluster({ level: 'api' })
    await using other = await startCluster({ level: 'api' })
    await one.kubectl('create', 'configmap', 'mine')
    expect(await other.kubectl('get', 'configmaps', '--output', 'name')).not.toContain('mine')
  })
})
