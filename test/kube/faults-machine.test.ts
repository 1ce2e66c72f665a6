/** What the machine does to a running operator: its clock jumps, its disk fills up. It goes on calling, says what is wrong, and is well again by itself. */
import { globSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Responder } from '../../agent/respond/index.ts'
import type { Child } from '../lab/process.ts'
import { temporaryFolder } from '../lab/process.ts'
import type { Cluster } from './cluster.ts'
import { startCluster } from './cluster.ts'
import { callee, eventually, namespaceOf, probe, registrar, sumOf } from './faults.fixture.ts'
import { operatorAccount } from './operator-account.ts'
import { ringcheckOperator } from './ringcheck-operator.ts'

const stack = new AsyncDisposableStack()
let kube: Cluster
let target: Responder
let folder: string

beforeAll(async () => {
  folder = stack.use(temporaryFolder('faults')).path
  kube = stack.use(await startCluster({ level: 'api' }))
  await kube.installCrds()
  target = stack.use(await callee('127.0.0.1'))
})
afterAll(() => stack.disposeAsync())

describe.concurrent('an operator', () => {
  test('whose clock jumps goes on at its interval, in whichever direction it was set', async () => {
    const it = await namespaceOf(kube, 'clock')
    const offset = join(folder, 'offset')
    writeFileSync(offset, '+0')
    const environment = {
      POD_NAMESPACE: 'clock',
      LD_PRELOAD: globSync('/usr/lib/*/faketime/libfaketime.so.1').join(),
      FAKETIME_TIMESTAMP_FILE: offset,
      FAKETIME_NO_CACHE: '1',
      // What counts seconds goes on as it did, as when an administrator sets the clock.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }
    const { kubeconfig } = await operatorAccount(kube, { namespace: 'clock', scope: 'Namespaced' })
    const place = { folder, kubeconfig, config: { scope: 'Namespaced' } }
    const began = performance.now()
    await using operator = await ringcheckOperator({ ...place, name: 'clock', environment })
    await it.apply(registrar('pbx', `port: ${target.port}, register: false`) + probe('line', 'pbx'))
    await it.becomes('sipprobe', 'line', 'Healthy', { status: 'True' })
    for (const jump of ['+2h', '-2h', '+0']) {
      writeFileSync(offset, jump)
      await it.goesOn('line')
      await it.becomes('sipprobe', 'line', 'Healthy', { status: 'True' })
      await it.becomes('sipprobe', 'line', 'Ready', { status: 'True' })
      // Hours that nobody lived through are a slot that was missed, and not hundreds of calls.
      const slots = (performance.now() - began) / 10_000
      expect(await sumOf(operator, 'ringcheck_probe_executions_total')).toBeLessThan(slots + 10)
    }
  }, 900_000)

  test('whose disk is full keeps what it measures, and writes it down when there is room', async () => {
    const it = await namespaceOf(kube, 'disk')
    const data = join(folder, 'disk', 'data')
    // A file system of its own, in a namespace of mounts that ends with the process.
    const script = `mkdir "${data}" && mount -t tmpfs -o size=${4 * MEBIBYTE} ringcheck "${data}" && exec "$@"`
    const under = ['unshare', '--mount', 'sh', '-c', script, 'sh'] as const
    const config = { scope: 'Namespaced', data }
    const environment = { POD_NAMESPACE: 'disk' }
    const { kubeconfig } = await operatorAccount(kube, { namespace: 'disk', scope: 'Namespaced' })
    const place = { folder, kubeconfig, name: 'disk' }
    await using operator = await ringcheckOperator({ ...place, config, environment, under })
    await it.apply(registrar('pbx', `port: ${target.port}, register: false`) + probe('line', 'pbx'))
    await it.becomes('sipprobe', 'line', 'Healthy', { status: 'True' })
    const filling = fill(operator, data)
    await eventually(async () => expect(await sumOf(operator, 'ringcheck_operator_history_available')).toBe(0))
    const lease = () => kube.kubectl('get', 'lease', 'ringcheck', '--namespace', 'disk', '--output', 'json')
    const said = async () => JSON.parse(await lease()).metadata.annotations['ringcheck.dev/conditions']
    await eventually(async () => expect(await said()).toContain('"type":"StoreUnavailable","status":"True"'))
    await eventually(async () => expect(await operator.readiness()).toBe(200))
    await it.goesOn('line')
    await eventually(async () => expect(await sumOf(operator, 'ringcheck_operator_history_waiting')).toBeGreaterThan(0))
    await it.becomes('sipprobe', 'line', 'Healthy', { status: 'True' })
    rmSync(filling)
    await eventually(async () => expect(await sumOf(operator, 'ringcheck_operator_history_available')).toBe(1))
    await eventually(async () => expect(await sumOf(operator, 'ringcheck_operator_history_waiting')).toBe(0))
    expect(await sumOf(operator, 'ringcheck_operator_history_dropped_total')).toBe(0)
  }, 900_000)
})

const MEBIBYTE = 2 ** 20

/** Writes into the file system that the process sees there, until it takes no more. Returns the path of what fills it. */
function fill({ pid }: Child, path: string): string {
  const file = join(`/proc/${pid}/root`, path, 'filling')
  expect(() => {
    for (;;) writeFileSync(file, Buffer.alloc(4096), { flag: 'a' })
  }).toThrow('ENOSPC')
  return file
}
