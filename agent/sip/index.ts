/** What others may know of SIP: the door to an engine, session descriptions, and traces. */
export type * from './engine.ts'
export { createDigestServer, type DigestServer, type DigestServerOptions } from './digest/digest-server.ts'
export { type Drawable, type LadderMessage, renderLadder } from './trace/ladder.ts'
export { renderPcap } from './trace/pcap.ts'
export { createNativeEngine, type NativeOptions } from './native.ts'
export { meansOf } from './sdp/means.ts'
export {
  type AudioCodec,
  type AudioIce,
  buildAnswer,
  buildOffer,
  type LocalAudio,
  readAudio,
  type RemoteAudio,
} from './sdp/sdp.ts'
export type { CryptoLine, Fingerprint } from './sdp/description.ts'
export type { Direction } from './sdp/hold.ts'
export type { KeyChoice, KeysOfStream, RemoteKeys, RemoteStream } from './sdp/stream.ts'
export type { LocalVideo, RemoteVideo, VideoCodec } from './sdp/video.ts'
export { Trace, type TraceMessage } from './trace/trace.ts'
export { bracketed, parseNameAddress, parseUri, splitList, unescaped } from './message/uri.ts'
