/** A call's video in the metrics of `crds/metrics.ts`; it measures nothing. */
import type { Metrics } from '../../../crds/index.ts'
import type { VideoSummary } from '../../quality/index.ts'
import type { VideoReceiver } from './video-receiver.ts'
import type { VideoSender } from './video-sender.ts'

/** @param endedAt monotonic milliseconds at which either side stopped, or now */
export function videoMetrics(receiver: VideoReceiver, sender: VideoSender, endedAt: number): Metrics {
  return {
    ...received(receiver.summary(endedAt)),
    nacksSent: receiver.nacksSent,
    nacksReceived: sender.nacksReceived,
    plisSent: receiver.plisSent,
    plisReceived: sender.plisReceived,
    firsSent: receiver.firsSent,
    firsReceived: sender.firsReceived,
  }
}

/** Nothing of what was never received: not a freeze of a picture that never was. */
function received(summary: VideoSummary | undefined): Metrics {
  if (!summary) return {}
  const { frameRate, width, height, keyFrames, incompleteFrames, freezes, freezeTime } = summary
  return {
    ...{ keyFrames, incompleteFrames, freezes, freezeTime },
    ...(frameRate !== undefined && { frameRate }),
    ...(width !== undefined && { frameWidth: width }),
    ...(height !== undefined && { frameHeight: height }),
  }
}
