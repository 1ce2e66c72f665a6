/** The door to video: clips that are sent, streams that are received, and the feedback between them. */
export type { Clip } from './clip.ts'
export { Clips, type Resolution } from './clips.ts'
export { buildFeedback, isFeedbackAlone, parseFeedback } from './feedback.ts'
export { videoMetrics } from './video-metrics.ts'
export { VideoReceiver, type VideoReceiverOptions } from './video-receiver.ts'
export { VIDEO_CLOCK_RATE, VideoSender } from './video-sender.ts'
