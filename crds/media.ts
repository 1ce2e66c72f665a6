/** What a call sends and accepts: codecs, sources, encryption, ICE, the model of the jitter buffer. */
import { z } from 'zod'
import { configKey, duration, list, secretKey, text } from './common.ts'
import { ruled, SHARED } from './rules.ts'

const hostPort = text(261, 0)
  .regex(/^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$/, 'be host:port')
  .meta({ [SHARED]: 'HostPort' })

const tone = z.strictObject({
  frequency: z.int().min(200).max(3400).default(1004).meta({
    description: 'Hz. 1004 divides no sampling rate, so that it visits many code words.',
  }),
  level: z.number().min(-60).max(-3).default(-16).meta({ description: 'dBov, root mean square.' }),
})

export const source = ruled(
  z.strictObject({
    tone: tone.exactOptional().meta({ description: 'A sine.' }),
    speech: z
      .strictObject({})
      .exactOptional()
      .meta({ description: 'A signal with the rhythm and spectrum of speech.' }),
    fileRef: configKey.exactOptional().meta({
      description: 'A WAV file of yours in a ConfigMap (binaryData), transcoded when it is loaded.',
    }),
  }),
  {
    message: 'must have exactly one of tone, speech and fileRef',
    cel: '[has(self.tone), has(self.speech), has(self.fileRef)].filter(there, there).size() == 1',
    holds: (value) => Object.keys(value).length === 1,
  },
).meta({ description: 'What is sent. Exactly one of the fields.', [SHARED]: 'Source' })

const audio = z.strictObject({
  codec: z.enum(['PCMA', 'PCMU', 'G722', 'Opus']).default('PCMA').meta({
    description: 'The codec preferred. Behind PCMA and PCMU the other of the two is offered; the others stand alone.',
  }),
  ptime: z.int().min(10).max(60).multipleOf(10).default(20).meta({ description: 'Milliseconds of audio in a packet.' }),
  source: source.default({ speech: {} }).meta({ description: 'What is sent. Exactly one of the fields.' }),
})

const video = z.strictObject({
  codec: z.enum(['VP8', 'H264']).default('VP8').meta({ description: 'The codec offered.' }),
  resolution: z.enum(['R360p', 'R720p', 'R1080p']).default('R360p').meta({ description: 'Size of the picture sent.' }),
  fps: z.int().min(5).max(60).default(30).meta({ description: 'Frames a second.' }),
})

const turn = z.strictObject({
  uri: text(300, 0)
    .regex(/^turns?:[^\s@]+$/, 'be a TURN URI such as turn:turn.example.org:3478')
    .meta({ description: 'The server, such as `turn:turn.example.org:3478?transport=udp`.' }),
  usernameRef: secretKey.meta({ description: 'Its user name.' }),
  passwordRef: secretKey.meta({ description: 'Its password.' }),
})

const jitterBuffer = z.strictObject({
  mode: z.enum(['Fixed', 'Adaptive']).default('Fixed').meta({ description: 'Whether its delay follows the jitter.' }),
  delay: duration('10ms', '1s').default('60ms').meta({ description: 'Delay it holds, or begins with.' }),
})

export const media = z
  .strictObject({
    audio: audio.prefault({}).meta({ description: 'The audio stream.' }),
    video: video.exactOptional().meta({ description: 'The video stream. Absent: no video.' }),
    encryption: z.enum(['None', 'SDES', 'DTLS', 'Optional']).default('None').meta({
      description:
        'How media is encrypted. `Optional` offers SRTP in an RTP/AVP offer and takes what the answer chooses.',
    }),
    rtcpMux: z.boolean().default(false).meta({ description: 'Whether RTP and RTCP share a port (RFC 5761).' }),
    ice: z
      .enum(['None', 'Lite', 'Full'])
      .default('None')
      .meta({ description: 'Which form of ICE is offered (RFC 8445).' }),
    stun: list(hostPort, 5).default([]).meta({ description: 'STUN servers, `host:port`.' }),
    turn: list(turn, 5).default([]).meta({ description: 'TURN servers.' }),
    jitterBuffer: jitterBuffer.prefault({}).meta({ description: 'The model of the jitter buffer that MOS rests on.' }),
  })
  .meta({ description: 'What the call sends and accepts.', [SHARED]: 'Media' })
