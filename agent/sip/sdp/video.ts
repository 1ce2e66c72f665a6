/** The video beside the audio of a call: what is offered of it, and what both sides have in common. It opens no port and picks no picture. */
import type { Codec, MediaDescription, SessionDescription } from './description.ts'
import { type Agreed, type LocalMedia, negotiate } from './negotiate.ts'
import { type KeysOfStream, profilesOf, remoteStream, type RemoteStream, withChosenKeys } from './stream.ts'

export type VideoCodec = 'VP8' | 'H264'

/** Requests for packets (RFC 4585 6.2.1) and for key frames (6.3.1, RFC 5104 4.3.1), that we make and answer. */
const FEEDBACK = ['nack', 'nack pli', 'ccm fir']

/** RFC 7741 6, RFC 6184 8: dynamic. Constrained baseline at level 3.1, in payloads of any kind but interleaved ones. */
const formats: Readonly<Record<VideoCodec, Codec>> = {
  VP8: { name: 'VP8', payloadType: 96, clockRate: 90_000, feedback: FEEDBACK },
  H264: {
    ...{ name: 'H264', payloadType: 97, clockRate: 90_000, feedback: FEEDBACK },
    parameters: 'packetization-mode=1;profile-level-id=42e01f;level-asymmetry-allowed=1',
  },
}

/** What we put into an offer or an answer. */
export interface LocalVideo {
  /** IP address that media is to be sent to. */
  address: string
  rtpPort: number
  rtcpPort: number
  /** Best first; at least one. */
  codecs: readonly VideoCodec[]
  /** RTP and RTCP share a port when the peer can, too (RFC 5761). */
  rtcpMux: boolean
  keys: KeysOfStream
}

export interface RemoteVideo extends RemoteStream {
  codec: VideoCodec
  /** Of what it wants to get. */
  payloadType: number
  /** Of what it sends. */
  receivedType: number
  /** Which of our requests it answers: `nack`, `nack pli`, `ccm fir`. */
  feedback: readonly string[]
}

/** Feedback without its own profile is what most peers do: they say RTP/AVP, and a=rtcp-fb beside it. */
export function videoMedia({ address, rtpPort, rtcpPort, codecs, rtcpMux, keys }: LocalVideo): LocalMedia {
  return {
    ...{ kind: 'video', address, port: rtpPort, rtcpPort, rtcpMux, crypto: keys.lines },
    profiles: profilesOf(keys).flatMap((profile) => [profile, `${profile}F`]),
    codecs: codecs.map((name) => formats[name]),
  }
}

/** From the answer to our offer. Undefined: it has no video that can be used. */
export function readVideo(answer: SessionDescription, local: LocalVideo): RemoteVideo | undefined {
  const { description } = withChosenKeys(answer, 'video', { keys: local.keys, from: 'Answer' })
  for (const media of description.media) {
    const agreed = negotiate(media, videoMedia(local), { offerer: 'We' })
    if (agreed.kind === 'Agreed') return remoteVideo(media, agreed, agreed.localCodec)
  }
  return undefined
}

/** @param received its codec with the number that it sends */
export function remoteVideo(media: MediaDescription, agreed: Agreed, received: Codec): RemoteVideo {
  const { codec, localCodec } = agreed
  return {
    ...remoteStream(media, agreed),
    codec: localCodec.name === 'H264' ? 'H264' : 'VP8',
    ...{ payloadType: codec.payloadType, receivedType: received.payloadType },
    feedback: codec.feedback?.filter((each) => FEEDBACK.includes(each)) ?? [],
  }
}
