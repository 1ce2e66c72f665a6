/** Calls with video: baresip decodes ours and shows its own, the responder in a process of its own answers with its clip, and what came is in the result. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { CallResult } from '../../agent/api/protocol.ts'
import { createNativeEngine } from '../../agent/sip/index.ts'
import { baresip } from '../lab/baresip.ts'
import { shows } from '../lab/features.ts'
import { freePort } from '../lab/ports.ts'
import { start, temporaryFolder } from '../lab/process.ts'
import { answersOptions } from '../lab/sip.ts'
import { called, common, jitterBuffer, resultOf } from './called.ts'
import { planOf } from './plans.ts'

const audio = { codec: 'PCMU', ptime: 20, source: { kind: 'Speech' } } as const
const video = (codec: 'VP8' | 'H264') => ({ codec, resolution: 'R360p', frameRate: 30 }) as const

/** A picture of that size moved all the time, whole. */
function expectMoving({ metrics, failureClass }: CallResult, [frameWidth, frameHeight]: readonly [number, number]) {
  expect(failureClass).toBeUndefined()
  expect(metrics).toMatchObject({ packetLoss: 0, frameWidth, frameHeight })
  expect(metrics.keyFrames).toBeGreaterThanOrEqual(1)
  expect(metrics.frameRate).toBeGreaterThan(5)
}

describe.each(['VP8', 'H264'] as const)('%s', (codec) => {
  const feature = codec === 'VP8' ? 'vp8' : 'h264'

  test.each(['None', 'SDES'] as const)(
    'baresip shows its picture and decodes ours, encryption %s',
    shows({ baresip: [feature, 'video-figures', 'several-streams'] }),
    async (encryption) => {
      await using peer = await baresip({ video: codec, ...(encryption === 'SDES' && { encryption: 'srtp-mand' }) })
      const media = { audio, video: video(codec), ...(encryption === 'SDES' && { encryption }) }
      const result = await called({ port: peer.port, user: 'baresip', callDuration: 6000 }, media)
      expectMoving(result, [352, 288])
      expect(result.metrics.srtpFailures ?? 0).toBeLessThanOrEqual(2)
      const suite = encryption === 'SDES' ? { suite: 'AES_CM_128_HMAC_SHA1_80' } : {}
      expect(result.media).toEqual({ codec: 'PCMU', rtcpMux: false, ...suite, video: { codec, ...suite } })
      expect(peer.log()).toContain('video: receiving with resolution 640 x 360')
    },
  )

  test('baresip calls, and our callee shows its picture', shows({ baresip: [feature] }), async () => {
    await using peer = await baresip({ video: codec })
    await using engine = await createNativeEngine({ ...common, host: '127.0.0.1', userAgent: 'test' })
    const media = { audio, video: video(codec), jitterBuffer }
    const { target: _target, ...endpoint } = planOf(peer.port, { endpoint: { media } }).endpoint
    const callee = { ...endpoint, role: 'Callee', remoteHangup: 'Allow', callDuration: 5000 } as const
    const onWaiting = () => void peer.command('dial', `sip:alice@127.0.0.1:${engine.ports.UDP}`)
    const result = await resultOf(engine, { ...planOf(peer.port), endpoint: callee }, { onWaiting })
    expectMoving(result, [352, 288])
  })

  test('the responder in a process of its own shows its clip', async () => {
    using folder = temporaryFolder('responder')
    const port = await freePort()
    await using _responder = await start({
      command: process.execPath,
      arguments: [join(import.meta.dirname, '../../cli/main.ts'), 'respond', '--listen', `127.0.0.1:${port}`],
      folder: folder.path,
      ready: () => answersOptions(port),
    })
    const media = { audio, video: { codec, resolution: 'R720p', frameRate: 15 }, rtcpMux: true } as const
    const result = await called({ port, user: 'echo' }, media)
    expectMoving(result, [640, 360])
    expect(result.metrics.frameRate).toBeGreaterThan(25)
    expect(result.media?.video).toEqual({ codec })
  })
})

test('a peer without video: the negotiation failed, and the message says why', async () => {
  await using peer = await baresip()
  const result = await called({ port: peer.port, user: 'baresip' }, { audio, video: video('VP8') })
  expect(result).toMatchObject({ outcome: 'NegotiationFailed', failureClass: 'NegotiationFailed' })
  expect(result.message).toContain('it has no video in VP8')
  expect(result.metrics.frameRate).toBeUndefined()
})
