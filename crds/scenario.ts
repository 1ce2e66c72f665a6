/** What an endpoint does during a call: at a time or on an event, one action each. */
import { z } from 'zod'
import { duration, list, sipUri, text } from './common.ts'
import { source } from './media.ts'
import { ruled, SHARED } from './rules.ts'

export const scenarioEvents = [
  'HoldReceived',
  'ResumeReceived',
  'SessionRefreshed',
  'InfoReceived',
  'DtmfReceived',
  'Answered',
  'Ringing',
] as const

const digits = text(32, 0)
  .regex(/^[0-9*#A-D]+$/, 'be digits 0-9, *, # and A-D')
  .meta({ description: 'Digits 0-9, *, # and A-D.', [SHARED]: 'Digits' })
const nothing = z.strictObject({})

const actions = {
  dtmf: z
    .strictObject({
      digits,
      method: z.enum(['Rfc4733', 'Info']).default('Rfc4733').meta({ description: 'As RTP events or in INFO.' }),
      duration: duration('40ms', '5s').default('160ms').meta({ description: 'Length of each digit.' }),
    })
    .meta({ description: 'Sends digits.' }),
  hold: nothing.meta({ description: 'Puts the call on hold.' }),
  resume: nothing.meta({ description: 'Takes it off hold.' }),
  reinvite: z
    .strictObject({
      codec: z.enum(['PCMA', 'PCMU', 'G722', 'Opus']).exactOptional().meta({ description: 'Offer this codec.' }),
    })
    .meta({ description: 'Sends a re-INVITE.' }),
  addVideo: nothing.meta({ description: 'Adds a video stream.' }),
  update: nothing.meta({ description: 'Sends an UPDATE (RFC 3311).' }),
  refer: z
    .strictObject({ target: sipUri.meta({ description: 'Where to.' }) })
    .meta({ description: 'Transfers the call.' }),
  info: z
    .strictObject({
      contentType: text(128, 0)
        .regex(/^[!#$&^_.+A-Za-z0-9-]+\/[!#$&^_.+A-Za-z0-9-]+$/, 'be a media type such as application/dtmf-relay')
        .meta({ description: 'Its Content-Type.' }),
      body: text(4096, 0).meta({ description: 'Its body.' }),
    })
    .meta({ description: 'Sends an INFO.' }),
  play: z.strictObject({ source }).meta({ description: 'Changes what is sent.' }),
  mute: nothing.meta({ description: 'Sends silence.' }),
  hangup: nothing.meta({ description: 'Ends the call.' }),
  expectAudio: z
    .strictObject({
      within: duration('100ms', '10m').meta({ description: 'How long is listened.' }),
      minLevel: z.number().min(-127).max(0).default(-50).meta({ description: 'dBov it must reach.' }),
    })
    .meta({ description: 'Fails when nothing is heard.' }),
  expectDtmf: z
    .strictObject({ digits, within: duration('100ms', '10m').meta({ description: 'How long is listened.' }) })
    .meta({ description: 'Fails when the digits are not heard.' }),
  wait: z
    .strictObject({ duration: duration('10ms', '10m').meta({ description: 'How long.' }) })
    .meta({ description: 'Delays the steps after it.' }),
} as const

const names = Object.keys(actions)

const action = ruled(
  z.strictObject({
    dtmf: actions.dtmf.exactOptional(),
    hold: actions.hold.exactOptional(),
    resume: actions.resume.exactOptional(),
    reinvite: actions.reinvite.exactOptional(),
    addVideo: actions.addVideo.exactOptional(),
    update: actions.update.exactOptional(),
    refer: actions.refer.exactOptional(),
    info: actions.info.exactOptional(),
    play: actions.play.exactOptional(),
    mute: actions.mute.exactOptional(),
    hangup: actions.hangup.exactOptional(),
    expectAudio: actions.expectAudio.exactOptional(),
    expectDtmf: actions.expectDtmf.exactOptional(),
    wait: actions.wait.exactOptional(),
  }),
  {
    message: 'must have exactly one action',
    cel: `[${names.map((name) => `has(self.${name})`).join(', ')}].filter(there, there).size() == 1`,
    holds: (value) => Object.keys(value).length === 1,
  },
)

const event = ruled(
  z.strictObject({
    event: z.enum(scenarioEvents).meta({ description: 'Fires at most once a call.' }),
    digits: digits.exactOptional().meta({ description: 'For DtmfReceived: only these.' }),
  }),
  {
    path: 'digits',
    message: 'digits may be set for DtmfReceived only',
    cel: "!has(self.digits) || self.event == 'DtmfReceived'",
    holds: (value) => value.digits === undefined || value.event === 'DtmfReceived',
  },
)

const step = ruled(
  z.strictObject({
    at: duration('0s', '24h').exactOptional().meta({ description: 'Time after the answer.' }),
    on: event
      .exactOptional()
      .meta({ description: 'Event it waits for. Write the key in quotes: plain `on` is a boolean to kubectl.' }),
    do: action.meta({ description: 'What is done. Exactly one of the fields.' }),
  }),
  {
    message: 'must have exactly one of at and on',
    cel: 'has(self.at) != has(self.on)',
    holds: (value) => (value.at === undefined) !== (value.on === undefined),
  },
)

export const steps = list(step, 30).meta({ [SHARED]: 'Scenario' })
