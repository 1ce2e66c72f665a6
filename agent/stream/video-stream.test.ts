/** Two of our streams on loopback with video agree on it through nothing but their descriptions, and repair what is lost. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { AudioStream } from './index.ts'
import { connect, pair } from './streams.fixture.ts'

const HOST = '127.0.0.1'

const video = (codec: 'VP8' | 'H264', required = true) => ({
  rtcpMux: true,
  video: { codecs: [codec], resolution: 'R360p', frameRate: 30, required } as const,
})
const ANY = {
  rtcpMux: true,
  video: { codecs: ['VP8', 'H264'], resolution: 'R360p', frameRate: 30, required: false },
} as const

const seen = (stream: AudioStream) => stream.video?.report() ?? {}

describe.each(['VP8', 'H264'] as const)('%s', (codec) => {
  test.each(['None', 'SDES', 'Optional'] as const)('is seen by both, encryption %s', async (encryption) => {
    await using both = await pair({ ...video(codec), encryption }, { ...ANY, encryption })
    expect(connect(both)).toBeUndefined()
    for (const stream of [both.caller, both.callee]) {
      await expect.poll(() => seen(stream).frameRate ?? 0, { timeout: 10_000 }).toBeGreaterThan(1)
      expect(seen(stream)).toMatchObject({ frameWidth: 640, frameHeight: 360, keyFrames: 1, incompleteFrames: 0 })
      expect(stream.video?.sample().frameRate).toBeGreaterThan(1)
      const suite = encryption === 'None' ? {} : { suite: 'AES_CM_128_HMAC_SHA1_80' }
      expect(stream.terms?.video).toEqual({ codec, ...suite })
    }
  })
})

test('what is lost on the way is asked for, and comes', async () => {
  await using both = await pair(video('VP8'), ANY)
  await using relay = await lossyRelay()
  expect(connect(both, relay.passing('Caller'), relay.passing('Callee'))).toBeUndefined()
  await expect.poll(() => seen(both.caller).nacksReceived ?? 0, { timeout: 10_000 }).toBeGreaterThan(3)
  expect(relay.dropped).toBeGreaterThan(2)
  expect(seen(both.callee)).toMatchObject({ incompleteFrames: 0, frameWidth: 640 })
  expect(seen(both.callee).nacksSent).toBeGreaterThan(3)
})

describe('without common video', () => {
  test('who needs it has no call', async () => {
    await using none = await pair(video('VP8'), {})
    expect(connect(none)).toContain('it has no video in VP8')
    await using other = await pair(video('VP8'), video('H264'))
    expect(connect(other)).toContain('it has no video in H264')
  })

  test('who does not need it has one without', async () => {
    await using both = await pair(video('VP8', false), { rtcpMux: true })
    expect(connect(both)).toBeUndefined()
    expect(both.caller.terms).toEqual({ codec: 'PCMA', rtcpMux: true })
    expect(seen(both.caller)).toEqual({})
  })
})

test('video that was promised and does not come is missing', async () => {
  await using both = await pair(video('VP8'), ANY)
  const answer = both.callee.answer(both.caller.offer())
  if ('unusable' in answer) throw new Error(answer.unusable)
  expect(both.caller.video?.missing).toBe(false)
  expect(both.caller.accept(answer.sdp)).toBeUndefined()
  expect(both.caller.video?.missing).toBe(true)
  both.callee.begin()
  await expect.poll(() => both.caller.video?.missing, { timeout: 10_000 }).toBe(false)
})

describe('a re-INVITE', () => {
  test('of hold stops our video, and its end begins it again', async () => {
    await using both = await pair(video('VP8'), ANY)
    connect(both)
    await expect.poll(() => seen(both.caller).frameRate ?? 0, { timeout: 10_000 }).toBeGreaterThan(1)
    const offer = both.caller.offer()
    expect(both.callee.reoffer(offer.replaceAll('a=sendrecv', 'a=inactive'))).toMatch(/m=video [1-9].*a=inactive/s)
    await expect.poll(() => shown(both.caller)).toBe(0)
    expect(both.callee.reoffer(offer)).toMatch(/m=video [1-9].*a=sendrecv/s)
    await expect.poll(() => shown(both.caller)).toBeGreaterThan(0)
  })

  test('without video ends it, and the call goes on', async () => {
    await using both = await pair(video('VP8'), ANY)
    connect(both)
    const offer = both.caller.offer()
    expect(both.callee.reoffer(offer.replace(/m=video \d+/, 'm=video 0'))).toContain('m=video 0')
    await expect.poll(() => shown(both.caller)).toBe(0)
    expect(both.callee.terms?.codec).toBe('PCMA')
  })
})

/** Frames of the last 200 ms. */
async function shown(stream: AudioStream): Promise<number> {
  stream.video?.sample()
  await new Promise((resolve) => setTimeout(resolve, 200))
  return stream.video?.sample().frameRate ?? 0
}

/** Stands between both in their descriptions, and leaves out every 20th datagram of the caller. */
async function lossyRelay() {
  const sockets = { Caller: createSocket('udp4'), Callee: createSocket('udp4') }
  for (const socket of Object.values(sockets)) {
    socket.bind(0, HOST)
    await once(socket, 'listening')
  }
  const ports = { Caller: 0, Callee: 0 }
  let [count, dropped] = [0, 0]
  // What comes for one of them leaves from where it knows the other to be.
  sockets.Callee.on('message', (message) => {
    if (++count % 20 === 0) dropped++
    else sockets.Caller.send(message, ports.Callee, HOST)
  })
  sockets.Caller.on('message', (message) => sockets.Callee.send(message, ports.Caller, HOST))
  return {
    passing: (from: 'Caller' | 'Callee') => (sdp: string) =>
      sdp.replace(/m=video (\d+)/, (_, port) => {
        ports[from] = Number(port)
        return `m=video ${sockets[from].address().port}`
      }),
    get dropped() {
      return dropped
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(
        Object.values(sockets).map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))),
      )
    },
  }
}
