/** What was heard, and which finding that is. Pure decisions with named reasons: all evidence comes in as numbers. */
import type { Finding } from '../../../crds/index.ts'
import { type CharacterSummary, FRAME_SECONDS } from './character.ts'
import type { Echo } from './echo.ts'

/** Seconds of audio without which nothing is said. */
const SHORTEST = 2
/** Sounding shorter than this, seconds, or than this share of the time, is a click: P.56's hangover, less than a word. */
const CLICKS = { seconds: 0.2, share: 0.005 }
/** A tone may come and go: ringing is on for a fifth of the time. It has a fluctuation of 1, of 1.2 with its beginnings and ends. */
const TONE = { share: 0.15, fluctuation: 1.5 }
/** Gaussian noise has a fluctuation of 2, whatever its colour; speech 10 dB below the noise brings it to 3. */
const NOISE = { share: 0.9, fluctuation: { from: 1.7, to: 3 } }
/** Frames that vote for the other law, seconds, and how many times those for the own one. */
const OTHER_LAW = { seconds: 1, times: 5 }
/** Frames of no audio: seconds, and share of those that sound. */
const NO_AUDIO = { seconds: 1, share: 0.5 }
/** The same tone, hertz: half a bin. */
const SAME = 16

export type Sound = 'TooShort' | 'Silence' | 'Noise' | 'Tone' | 'Other'

/** Facts of the packets that no samples show. */
export interface PacketFacts {
  /** Packets from the peer that carry audio, of any payload type; events and comfort noise are none. */
  audio: number
  /** Those of them with a payload type that was not negotiated. */
  otherPayloadType: number
  /** Those of the negotiated one that its decoder refused, or whose size no packet of the codec has. */
  undecodable: number
}

export interface Heard {
  character: CharacterSummary
  packets: PacketFacts
  echo: Echo
  /** Hertz of the tone that we send; absent: we send none. */
  ownTone?: number
}

/** A finding of `crds` with the reason for it and the numbers it rests on. */
export interface AudioFinding {
  finding: Finding
  reason:
    | WrongCodecReason
    /** At most 200 ms, or half a percent, was above -65 dBov. */
    | 'BelowSilence'
    /** It fluctuates as noise does, and no more: nobody spoke, nothing sounded. */
    | 'SteadyNoise'
    /** A spectrum that does not change, with or without pauses. */
    | 'SteadyTone'
    /** Nothing arrived for 2 s or longer. */
    | 'NothingArrived'
    /** The receiver reports of the far side came for 2 s or longer without naming a new packet of ours. */
    | 'NoProgress'
  evidence: Readonly<Record<string, number>>
}

type WrongCodecReason =
  /** Most packets have a payload type that was not negotiated. */
  | 'OtherPayloadType'
  /** Most packets are none of the codec. */
  | 'Undecodable'
  /** A-law was decoded as mu-law, or the other way round. */
  | 'OtherLaw'
  /** The octets are spread as compressed or encrypted ones are: G.722, Opus, SRTP without its key. */
  | 'NoAudio'

/** By the whole of it: what changes is `Other`, be it speech, music, or speech in noise. */
export function soundOf(character: CharacterSummary): Sound {
  const { frames, silent, fluctuation } = character
  if (frames * FRAME_SECONDS < SHORTEST) return 'TooShort'
  const sounding = frames - silent
  if (sounding <= Math.max(CLICKS.seconds / FRAME_SECONDS, CLICKS.share * frames)) return 'Silence'
  const { from, to } = NOISE.fluctuation
  if (sounding >= NOISE.share * frames && fluctuation >= from && fluctuation <= to) return 'Noise'
  const lasts = sounding * FRAME_SECONDS >= SHORTEST && sounding >= TONE.share * frames
  return lasts && fluctuation <= TONE.fluctuation ? 'Tone' : 'Other'
}

/**
 * At most one finding: the one that explains the others. Undefined: what was heard is plausible, too short to say, or our own sound that
 * came back. What it cannot see: G.711 decoded as G.722 or Opus, and silence in a wrong codec, unless the packet facts tell; a tone of the
 * far side that is meant to be there; noise with anything else in it.
 */
export function classify(heard: Heard): AudioFinding | undefined {
  const sound = soundOf(heard.character)
  return wrongPackets(heard.packets) ?? wrongReading(heard, sound) ?? ofSound(heard, sound)
}

function ofSound({ character, echo, ownTone }: Heard, sound: Sound): AudioFinding | undefined {
  const seconds = character.frames * FRAME_SECONDS
  const silent = character.silent * FRAME_SECONDS
  const { fluctuation, strongest: frequency } = character
  switch (sound) {
    case 'Silence':
      return { finding: 'SilentMedia', reason: 'BelowSilence', evidence: { seconds, silent } }
    case 'Noise':
      if (echo.kind === 'Found') return undefined
      return { finding: 'NoiseOnly', reason: 'SteadyNoise', evidence: { seconds, fluctuation } }
    case 'Tone':
      if (ownTone !== undefined && Math.abs(ownTone - frequency) < SAME) return undefined
      return { finding: 'StuckTone', reason: 'SteadyTone', evidence: { seconds, silent, frequency, fluctuation } }
    case 'TooShort':
    case 'Other':
      return undefined
  }
}

function wrongPackets({ audio, otherPayloadType, undecodable }: PacketFacts): AudioFinding | undefined {
  const wrong = (reason: WrongCodecReason): AudioFinding => ({
    finding: 'WrongCodec',
    reason,
    evidence: { audio, otherPayloadType, undecodable },
  })
  if (otherPayloadType > audio / 2) return wrong('OtherPayloadType')
  return undecodable > (audio - otherPayloadType) / 2 ? wrong('Undecodable') : undefined
}

function wrongReading({ character }: Heard, sound: Sound): AudioFinding | undefined {
  const { votes, frames, silent } = character
  if (!votes || sound === 'TooShort' || sound === 'Silence') return undefined
  const { forThis, forOther, forNone } = votes
  if (forOther * FRAME_SECONDS >= OTHER_LAW.seconds && forOther >= OTHER_LAW.times * forThis) {
    return { finding: 'WrongCodec', reason: 'OtherLaw', evidence: { frames, forThis, forOther, forNone } }
  }
  const none = forNone * FRAME_SECONDS >= NO_AUDIO.seconds && forNone >= NO_AUDIO.share * (frames - silent)
  return none
    ? { finding: 'WrongCodec', reason: 'NoAudio', evidence: { frames, forThis, forOther, forNone } }
    : undefined
}
