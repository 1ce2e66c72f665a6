/** The door to streams: where SIP's descriptions and media's sessions, which do not know each other, are one. */
export { type AudioStream, openStream, type StreamOutcome } from './audio-stream.ts'
export type { PathFailure, PathWishes } from './stream-path.ts'
