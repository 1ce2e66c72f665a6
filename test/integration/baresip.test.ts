/** A whole user agent as the far end: baresip answers by itself, sends a tone with RTP and RTCP, and is reached through Kamailio. */
import { expect, test } from 'vitest'
import { createMediaEngine } from '../../agent/media/index.ts'
import { PROTOCOL } from '../../agent/api/protocol.ts'
import type { RunEvent, RunPlan } from '../../agent/api/protocol.ts'
import { eventLoopLag, startRun } from '../../agent/run/index.ts'
import { createNativeEngine } from '../../agent/sip/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { baresip } from '../lab/baresip.ts'
import { shows } from '../lab/features.ts'
import { kamailio } from '../lab/kamailio.ts'
import { HONEST, judged, saturationOf } from './called.ts'

const common = { clock: systemClock, random: systemRandom, log: createLog({ name: 'test', level: 'silent' }) }

function planOf(port: number, transport: 'UDP' | 'TCP'): RunPlan {
  return {
    protocol: PROTOCOL,
    id: `baresip-${transport}`,
    epoch: 0,
    kind: 'Probe',
    namespace: 'default',
    name: 'baresip',
    generation: 1,
    location: 'default',
    check: 'Call',
    slot: 0,
    endpoint: {
      id: 'only',
      role: 'Caller',
      account: { username: 'alice', password: 'pw-alice' },
      registrar: { domain: '127.0.0.1', port, transport, register: true, expires: 300_000 },
      target: `sip:bob@127.0.0.1:${port}`,
      media: {
        audio: { codec: 'PCMA', ptime: 20, source: { kind: 'Speech' } },
        jitterBuffer: { mode: 'Fixed', delay: 60 },
      },
      // Its RTCP leaves every 5 s, and the second report names one of ours.
      callDuration: 12_000,
      remoteHangup: 'Fail',
    },
    timeouts: { register: 10_000, answer: 20_000, call: 10_000 },
    thresholds: {},
  }
}

const SHOWN = { ...HONEST, ...shows({ baresip: ['rtp-received', 'reports-received', 'rtt', 'pcma', 'policy-none'] }) }

test.each([
  ['UDP', 'udp'],
  ['TCP', 'tcp'],
] as const)('baresip behind Kamailio, over %s: audio both ways, measured by both', SHOWN, async (transport, lower) => {
  await using proxy = await kamailio()
  await using _bob = await baresip({
    user: 'bob',
    registrar: `127.0.0.1:${proxy.port}`,
    transport: lower,
  })
  await using engine = await createNativeEngine({ ...common, host: '127.0.0.1', userAgent: 'test' })
  await using media = createMediaEngine(common)
  const events: RunEvent[] = []
  const emit = (event: RunEvent) => void events.push(event)
  await startRun(planOf(proxy.port, transport), { ...common, engine, media, lag: eventLoopLag, emit }).finished
  const ended = events.find((event) => event.type === 'Call')

  expect(ended?.result).toMatchObject({ outcome: 'Success', authenticationRounds: 2, sip: { code: 200 } })
  expect(ended?.result.userAgent).toContain('baresip')
  const { packetLoss, packetsReceived, rtt, mos, registerTime, connectTime } = ended?.result.metrics ?? {}
  expect(packetLoss).toBe(0)
  expect(packetsReceived).toBeGreaterThan(100)
  // Its RTCP names our sender reports, so the round trip is measured; it counts milliseconds, of which there may be none.
  expect(rtt).toBeGreaterThanOrEqual(0)
  judged({ saturation: saturationOf(events) }, () => expect(mos).toBeGreaterThan(4))
  expect(registerTime).toBeGreaterThan(0)
  expect(connectTime).toBeGreaterThan(0)
  expect((await proxy.registrations()).map(({ aor }) => aor)).toEqual(['bob'])
})
