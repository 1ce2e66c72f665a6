/** Our video against ffmpeg, which decodes what we send and sends what we measure, and our feedback against tshark. */
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { Pacer } from '../../agent/media/pacer.ts'
import { buildCompound } from '../../agent/media/rtcp.ts'
import { isRtp } from '../../agent/media/rtp.ts'
import {
  Clips,
  VideoReceiver,
  VideoSender,
  buildFeedback,
  parseFeedback,
  type Resolution,
} from '../../agent/media/video/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { shows } from '../lab/features.ts'
import { freeRtpPorts, isBound } from '../lab/ports.ts'
import { start, temporaryFolder, until } from '../lab/process.ts'
import { commandPath } from '../lab/requirements.ts'
import { readPcap } from '../lab/tshark.ts'
import { udpPcap } from '../lab/udp-pcap.ts'

const run = promisify(execFile)
const HOST = '127.0.0.1'
const PAYLOAD_TYPE = 96
/** Frames after those that are judged, so that these do not wait in it for the next one. */
const MORE = 5
const SSRC = 0x0102_0304

type Codec = 'VP8' | 'H264'

/** A checksum of each decoded picture. */
const checksums = (report: string) =>
  [...report.matchAll(/^\d.*\b([0-9a-f]{32})$/gm)].map(([, checksum = '']) => checksum)

async function checksumsOfFile(codec: Codec, lines: number): Promise<string[]> {
  const file = join(
    import.meta.dirname,
    '../../agent/media/video/clips',
    `${lines}p.${codec === 'VP8' ? 'ivf' : 'h264'}`,
  )
  const { stdout } = await run(commandPath('ffmpeg'), ['-v', 'error', '-i', file, '-f', 'framemd5', '-'])
  return checksums(stdout)
}

function sessionDescription(codec: Codec, port: number): string {
  return [
    ...['v=0', `o=- 1 1 IN IP4 ${HOST}`, 's=-', `c=IN IP4 ${HOST}`, 't=0 0'],
    ...[`m=video ${port} RTP/AVP ${PAYLOAD_TYPE}`, `a=rtpmap:${PAYLOAD_TYPE} ${codec}/90000`],
    ...(codec === 'H264' ? [`a=fmtp:${PAYLOAD_TYPE} packetization-mode=1`] : []),
    '',
  ].join('\r\n')
}

interface Sending {
  codec: Codec
  resolution: Resolution
  frames: number
  frameRate: number
  /** After so many frames a PLI comes. */
  pictureLossAfter?: number
}

/** What ffmpeg made of so many frames, and all that it said: any error ends it. It leaves out what it has not decoded when a BYE comes. */
async function decodedByFfmpeg({ codec, resolution, frames, frameRate, pictureLossAfter }: Sending) {
  using folder = temporaryFolder('video')
  const port = await freeRtpPorts()
  const report = join(folder.path, 'frames')
  writeFileSync(join(folder.path, 'session.sdp'), sessionDescription(codec, port))
  await using ffmpeg = await start({
    command: 'ffmpeg',
    arguments: [
      ...['-v', 'warning', '-nostdin', '-xerror', '-err_detect', 'explode', '-protocol_whitelist', 'file,udp,rtp'],
      // On a busy machine it decodes more slowly than we send: what waits must have room.
      ...['-buffer_size', '4000000', '-i', 'session.sdp', '-fps_mode', 'passthrough'],
      ...['-f', 'framemd5', '-flush_packets', '1', report],
    ],
    folder: folder.path,
    ready: () => isBound(port, 'udp') && isBound(port + 1, 'udp'),
  })
  const socket = createSocket('udp4')
  using pacer = new Pacer(systemClock)
  await new Promise<void>((resolve) => {
    let complete = 0
    const sender = new VideoSender(
      {
        ...{ clip: new Clips().of(codec, resolution), ssrc: SSRC, payloadType: PAYLOAD_TYPE, frameRate },
        start: { sequenceNumber: 65_500, timestamp: 2 ** 32 - 1000 },
        send(octets) {
          if (complete === frames + MORE) return
          socket.send(octets, port, HOST)
          if ((octets.readUInt8(1) & 0x80) !== 0) complete++
          if (complete === frames + MORE) resolve()
        },
      },
      systemClock.monotonic(),
    )
    let asked = pictureLossAfter === undefined
    pacer.add(5, () => {
      if (!asked && complete === pictureLossAfter) {
        asked = true
        sender.receive({ type: 'PLI', sender: 1, media: SSRC }, systemClock.monotonic())
      }
      sender.step(systemClock.monotonic())
    })
  })
  const pictures = () => (existsSync(report) ? checksums(readFileSync(report, 'utf8')).slice(0, frames) : [])
  await until(() => pictures().length === frames || !ffmpeg.running, { what: 'ffmpeg has decoded', within: 60_000 })
  const goodbye = buildCompound([
    { type: 'RR', ssrc: SSRC, reports: [] },
    { type: 'BYE', sources: [SSRC] },
  ])
  socket.send(goodbye, port + 1, HOST, () => socket.close())
  const { code } = await ffmpeg.ended
  return { code, log: ffmpeg.log(), pictures: pictures() }
}

describe('ffmpeg decodes every frame that we send, picture for picture', () => {
  test.each([
    ['VP8', 'R360p', 360],
    ['VP8', 'R1080p', 1080],
    ['H264', 'R360p', 360],
    ['H264', 'R720p', 720],
    ['H264', 'R1080p', 1080],
  ] as const)('%s %s', shows({ ffmpeg: ['vp8', 'h264'] }), async (codec, resolution, lines) => {
    const { code, log, pictures } = await decodedByFfmpeg({ codec, resolution, frames: 60, frameRate: 30 })
    expect({ code, log }).toEqual({ code: 0, log: '' })
    expect(pictures).toEqual(await checksumsOfFile(codec, lines))
  })

  test.each(['VP8', 'H264'] as const)(
    '%s from its end to its beginning, and with a key frame on PLI',
    async (codec) => {
      const { code, log, pictures } = await decodedByFfmpeg({
        codec,
        resolution: 'R360p',
        frames: 90,
        frameRate: 20,
        pictureLossAfter: 85,
      })
      expect({ code, log }).toEqual({ code: 0, log: '' })
      const file = await checksumsOfFile(codec, 360)
      // All of it, its beginning again until the PLI came, and then the key frame in the middle.
      const again = pictures.indexOf(file[30] ?? '', 60) - 60
      expect(again).toBeGreaterThanOrEqual(25)
      expect(again).toBeLessThan(30)
      expect(pictures).toEqual([...file, ...file.slice(0, again), ...file.slice(30, 60 - again)])
    },
  )
})

describe('what ffmpeg sends is measured as it was sent', () => {
  const measured = shows({ ffmpeg: ['vp8', 'h264', 'video-figures'] })
  const small = ['-c:v', 'libvpx', '-deadline', 'realtime', '-b:v', '400k', '-auto-alt-ref', '0']
  test.each([
    ['VP8', '320x240', 25, small],
    ['VP8', '1280x720', 10, small],
    // High profile, with frames that refer to later ones.
    ['H264', '500x282', 25, ['-c:v', 'libx264', '-pix_fmt', 'yuv420p']],
    ['H264', '320x240', 15, ['-c:v', 'libx264', '-pix_fmt', 'yuv422p', '-x264-params', 'interlaced=1']],
    ['H264', '640x360', 30, ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-profile:v', 'baseline', '-slices', '4']],
  ] as const)('%s %s at %i frames a second', measured, async (codec, size, frameRate, encoder) => {
    using folder = temporaryFolder('video')
    const [rtp, rtcp] = [createSocket('udp4'), createSocket('udp4')]
    for (const socket of [rtp, rtcp]) {
      socket.bind(0, HOST)
      await once(socket, 'listening')
    }
    const receiver = new VideoReceiver({
      ...{ codec, ssrc: SSRC, repair: { nack: true, keyFrames: 'PLI' } },
      send: () => undefined,
    })
    const marked: number[] = []
    rtp.on('message', (octets) => {
      const at = systemClock.monotonic()
      if (!isRtp(octets)) return
      receiver.receive(at, octets)
      receiver.step(at)
      if ((octets.readUInt8(1) & 0x80) !== 0) marked.push(at)
    })
    const frames = 2 * frameRate
    await using ffmpeg = await start({
      command: 'ffmpeg',
      arguments: [
        ...['-v', 'error', '-nostdin', '-re', '-f', 'lavfi', '-i', `testsrc=size=${size}:rate=${frameRate}`],
        ...['-frames:v', String(frames), ...encoder, '-g', String(frameRate), '-f', 'rtp'],
        `rtp://${HOST}:${rtp.address().port}?rtcpport=${rtcp.address().port}`,
      ],
      folder: folder.path,
    })
    await ffmpeg.ended
    // What was sent last is read before the timers of a later turn.
    await new Promise((resolve) => setTimeout(resolve, 50))
    rtp.close()
    rtcp.close()
    const [first = 0, last = 0] = [marked[0], marked.at(-1)]
    const [width, height] = size.split('x').map(Number)
    expect(marked).toHaveLength(frames)
    expect(receiver.summary(last)).toMatchObject({ frames, keyFrames: 2, incompleteFrames: 0, width, height })
    expect(receiver.summary(last)?.frameRate).toBeCloseTo(((frames - 1) * 1000) / (last - first), 6)
    expect(receiver).toMatchObject({ nacksSent: 0, plisSent: 0 })
  })
})

const FEEDBACK = shows({ tshark: ['nack', 'pli', 'fir'] })

test('tshark reads our NACK, PLI and FIR without a remark, and the values that were meant', FEEDBACK, async () => {
  const octets = Buffer.concat([
    buildCompound([
      { type: 'RR', ssrc: 1, reports: [] },
      { type: 'SDES', chunks: [{ ssrc: 1, items: [{ type: 1, text: 'someone@192.0.2.1' }] }] },
    ]),
    buildFeedback([
      { type: 'NACK', sender: 1, media: SSRC, lost: [65_535, 0, 15] },
      { type: 'PLI', sender: 1, media: SSRC },
      { type: 'FIR', sender: 1, commands: [{ ssrc: SSRC, number: 200 }] },
    ]),
  ])
  expect(parseFeedback(octets)).toHaveLength(3)
  using folder = temporaryFolder('feedback')
  const path = join(folder.path, 'feedback.pcap')
  writeFileSync(path, udpPcap([{ at: 0, sourcePort: 5005, destinationPort: 5005, payload: octets }]))
  const values = {
    '_ws.expert.message': '',
    '_ws.malformed': '',
    'rtcp.length_check': '1',
    'rtcp.rtpfb.fmt': '1',
    'rtcp.rtpfb.nack_pid': '65535',
    'rtcp.rtpfb.nack_blp': '0x8001',
    'rtcp.psfb.fmt': '1',
    'rtcp.psfb.fir.fci.ssrc': '0x01020304',
    'rtcp.psfb.fir.fci.csn': '200',
  }
  expect(await readPcap(path, Object.keys(values))).toEqual([values])
})
