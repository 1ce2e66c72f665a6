import { expect, test } from 'vitest'
import { systemClock } from '../lib/clock.ts'
import { systemRandom } from '../lib/random.ts'
import { everywhere } from './everywhere.ts'
import { createNativeEngine, Trace } from './sip/index.ts'

const [four, six] = [{ family: 'IPv4' }, { family: 'IPv6' }]

test.each([
  ['0.0.0.0', { lo: [four], eth0: [four] }],
  ['::', { lo: [four, six], eth0: [four] }],
  ['0.0.0.0', { eth0: undefined }],
])('%s with %j', (host, interfaces) => {
  expect(everywhere(interfaces)).toBe(host)
})

test('an engine that is bound everywhere reaches IPv4, by an address of IPv4', async () => {
  const common = { clock: systemClock, random: systemRandom, userAgent: 'Test' }
  await using server = await createNativeEngine({ ...common, host: '127.0.0.1' })
  await using ours = await createNativeEngine({ ...common, host: everywhere() })
  const nextHop = { host: '127.0.0.1', port: server.ports.UDP, transport: 'UDP' } as const
  const trace = new Trace()
  const outcome = await ours.options({
    party: { aor: 'sip:a@example.com', contactUser: 'a', nextHop, outboundProxy: false },
    target: 'sip:example.com',
    ...{ callId: 'everywhere-1', timeout: 5_000, trace },
  })
  expect(outcome).toMatchObject({ kind: 'Answered', code: 200, remote: nextHop })
  expect(trace.messages[0]?.text).toContain(`Via: SIP/2.0/UDP 127.0.0.1:${ours.ports.UDP}`)
})
