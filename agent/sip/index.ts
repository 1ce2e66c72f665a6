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
  type AudioKeys,
  buildAnswer,
  buildOffer,
  type CryptoLine,
  type Direction,
  type Fingerprint,
  type KeyChoice,
  type LocalAudio,
  readAudio,
  type RemoteAudio,
  type RemoteKeys,
} from './sdp/sdp.ts'
export { Trace, type TraceMessage } from './trace/trace.ts'
export { bracketed, parseNameAddress, parseUri, splitList, unescaped } from './message/uri.ts'
