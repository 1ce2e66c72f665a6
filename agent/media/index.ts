/** The door to media: the engine; its contract is `media.ts`. */
export { createMediaEngine } from './engine.ts'
export { fittingPtime } from './codec/codecs.ts'
export { readWave } from './source/wave-file.ts'
export type { DtlsCertificate } from './dtls/index.ts'
export type { NegotiatedPath, PathOutcome } from './negotiated-path.ts'
export type { VideoSession, VideoStart } from './video-session.ts'
export type { Resolution } from './video/index.ts'
export type {
  EchoedPacket,
  MediaEngine,
  MediaSession,
  MosBasis,
  NewTerms,
  OpenOutcome,
  Protection,
  Source,
  StartOptions,
} from './media.ts'
