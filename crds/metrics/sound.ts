/** What the decoded audio is like, and what the video stream did. */
import { counted, judged, ofACall } from './definition.ts'
import type { MetricDefinition } from './definition.ts'

const notDecoded = 'the audio was not decoded (in a load test 1 % of the calls are)'
const noEcho = 'the target does not send back what it hears'
const noVideo = 'the call had no video'
const share = { ...ofACall, unit: '%', absentWhen: notDecoded } as const
const level = { ...ofACall, unit: 'dBov', absentWhen: notDecoded } as const
const video = { ...counted, source: 'RFC 4585, RFC 5104', direction: 'None', absentWhen: noVideo } as const

export const audioMetrics = {
  audioLevel: {
    ...judged,
    title: 'Audio level',
    unit: 'dBov',
    direction: 'Higher',
    range: [-127, 0],
    definition:
      'Active level of the received audio; 0 is overload (a sample of 32768), nominal speech is near -26. Of silence and noise, the RMS level.',
    source: 'ITU-T P.56 method B',
    absentWhen: notDecoded,
    cannotSee: 'What was said.',
  },
  signalLevel: {
    ...level,
    title: 'Signal level',
    direction: 'Higher',
    definition: 'Level of the time in which somebody spoke or a tone sounded.',
    source: 'RFC 3611 section 4.7.4',
    cannotSee: 'Speech below the noise.',
  },
  noiseLevel: {
    ...level,
    title: 'Noise level',
    direction: 'Lower',
    definition: 'Level of the time in which nobody spoke.',
    source: 'RFC 3611 section 4.7.4',
    cannotSee: 'Noise under speech.',
  },
  rms: {
    ...level,
    title: 'RMS level',
    definition: 'Root mean square of all received samples; a full-scale sine is -3.01.',
    source: 'RFC 6464 section 4',
    cannotSee: 'How loud the speech was: pauses count too.',
  },
  speechActivity: {
    ...share,
    title: 'Speech activity',
    definition: 'Share of the time with speech or tone.',
    source: 'ITU-T P.56 activity factor',
    cannotSee: 'Whether it was speech: music and tones count.',
  },
  clipping: {
    ...share,
    title: 'Clipping',
    direction: 'Lower',
    definition: 'Share of the samples at the codec’s largest value.',
    source: 'own',
    cannotSee: 'Clipping before the codec at a lower level.',
  },
  silence: {
    ...share,
    title: 'Silence',
    direction: 'Lower',
    definition: 'Share of the time below -65 dBov, in frames of 32 ms.',
    source: 'own',
    cannotSee: 'Whether somebody was silent or something cut.',
  },
  oneWayAudio: {
    ...judged,
    title: 'One-way audio',
    unit: 'ms',
    direction: 'Lower',
    range: [0, 600_000],
    definition:
      'Time of the call in which one side heard nothing: stretches of 2 s and longer, or all of a silent call. That the far side hears us is proven by echo correlation, else by the progress of its receiver reports.',
    source: 'own',
    absentWhen: 'neither an echo nor receiver reports prove what the far side hears',
    cannotSee: 'Whether what arrived at the far side was played there.',
  },
  echoDelay: {
    ...judged,
    title: 'Echo delay',
    unit: 'ms',
    direction: 'Lower',
    range: [0, 60_000],
    definition:
      'Time from our sending a sound to receiving it again, 0 to 2,500 ms: network there and back, and the far side; without our packetization, codec and jitter buffer.',
    source: 'own: correlation against what was sent',
    absentWhen: noEcho,
    cannotSee: 'How it divides between there and back.',
  },
  echoLoss: {
    ...ofACall,
    title: 'Echo loss',
    unit: 'dB',
    definition: 'How much weaker the echo is than what was sent.',
    source: 'RFC 3611 section 4.7.4',
    absentWhen: noEcho,
    cannotSee: 'Echo below the noise.',
  },
} as const satisfies Record<string, MetricDefinition>

export const videoMetrics = {
  frameRate: {
    ...ofACall,
    title: 'Frame rate',
    unit: 'frames/s',
    direction: 'Higher',
    definition: 'Video frames per second that could be shown: complete, and so was each since the last key frame.',
    source: 'RFC 7741, RFC 6184',
    absentWhen: noVideo,
    cannotSee: 'What the pictures show.',
  },
  frameWidth: {
    ...ofACall,
    title: 'Frame width',
    unit: 'pixels',
    definition: 'Width of the last key frame.',
    source: 'RFC 6386, H.264',
    absentWhen: noVideo,
    cannotSee: 'Changes between key frames.',
  },
  frameHeight: {
    ...ofACall,
    title: 'Frame height',
    unit: 'pixels',
    definition: 'Height of the last key frame.',
    source: 'RFC 6386, H.264',
    absentWhen: noVideo,
    cannotSee: 'Changes between key frames.',
  },
  keyFrames: {
    ...video,
    title: 'Key frames',
    definition: 'Key frames received.',
    source: 'RFC 7741, RFC 6184',
    cannotSee: 'Whether they could be decoded.',
  },
  incompleteFrames: {
    ...video,
    title: 'Incomplete frames',
    direction: 'Lower',
    definition: 'Frames of which a packet came and another never did, also when it was asked for again.',
    source: 'RFC 7741, RFC 6184',
    cannotSee: 'Frames of which nothing came.',
  },
  freezes: {
    ...video,
    title: 'Freezes',
    direction: 'Lower',
    definition:
      'Times between frames of at least three times the average and at least 150 ms more than it, of the last 30.',
    source: 'W3C WebRTC statistics, freezeCount',
    cannotSee: 'A picture that stands still because the scene does.',
  },
  freezeTime: {
    ...ofACall,
    title: 'Frozen time',
    unit: 'ms',
    direction: 'Lower',
    definition: 'How long the picture stood still in all.',
    source: 'W3C WebRTC statistics, totalFreezesDuration',
    absentWhen: noVideo,
    cannotSee: 'A picture that stands still because the scene does.',
  },
  nacksSent: {
    ...video,
    title: 'NACKs sent',
    definition: 'Packets we asked for again.',
    cannotSee: 'Whether the packets came.',
  },
  nacksReceived: {
    ...video,
    title: 'NACKs received',
    definition: 'Packets the other side asked for again.',
    cannotSee: 'Whether what was sent again arrived.',
  },
  plisSent: {
    ...video,
    title: 'PLIs sent',
    definition: 'Picture losses we reported.',
    cannotSee: 'Whether a key frame came of it.',
  },
  plisReceived: {
    ...video,
    title: 'PLIs received',
    definition: 'Picture losses the other side reported.',
    cannotSee: 'Why the picture was lost.',
  },
  firsSent: {
    ...video,
    title: 'FIRs sent',
    definition: 'Key frames we demanded.',
    cannotSee: 'Whether a key frame came of it.',
  },
  firsReceived: {
    ...video,
    title: 'FIRs received',
    definition: 'Key frames the other side demanded.',
    cannotSee: 'Why one was wanted.',
  },
} as const satisfies Record<string, MetricDefinition>
