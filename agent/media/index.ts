/** The door to media. */
export { createMediaEngine, type MediaEngineOptions } from './engine.ts'
export type {
  Codec,
  EchoedPacket,
  MediaAddress,
  MediaEngine,
  MediaReport,
  MediaSession,
  MosBasis,
  OpenOutcome,
  Source,
  StartOptions,
} from './media.ts'
