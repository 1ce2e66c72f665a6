/** The part of a call that caller and callee share: from the answer to the end of the BYE. How the call came about is theirs. */
import type { MediaEngine, Source } from '../media/index.ts'
import type { Call, CallEnd, Hop } from '../sip/index.ts'
import { type AudioStream, openStream, type PathFailure } from '../stream/index.ts'
import type { RunPlan } from '../api/protocol.ts'
import type { CheckContext } from './check.ts'
import { guarded } from './check.ts'
import { classifyPath, verdict } from './classify.ts'
import { callTimes } from './endpoint.ts'
import { limits } from './limits.ts'
import { within } from './patience.ts'
import { saturation } from './saturation.ts'

const SECOND = 1000

/**
 * Ports for the audio of a call with a hop or an address; undefined: there are none, and the endpoint knows. Dispose of it when the call is
 * over. @param offering the first offer is ours
 */
export async function openAudio(
  context: CheckContext,
  remote: Hop | string,
  offering: boolean,
): Promise<AudioStream | undefined> {
  const { engine, media, plan, random, endpoint } = context
  const address = await engine.localAddress(remote)
  const outcome = await openStream({
    media,
    address,
    advertised: engine.advertised(address),
    sessionId: Math.floor(random() * 2 ** 31),
    ...wishesOf(plan.endpoint, offering),
    source: sourceOf(plan.endpoint, media),
  })
  if (outcome.kind === 'Open') return outcome.stream
  endpoint.fail(verdict('PortsExhausted', 'INVITE', `No RTP port is free in ${outcome.range}.`))
  return undefined
}

/**
 * Both laws of G.711, the plan's first: every gateway has both, and one that answers with the other is no fault of the target. The result
 * names the codec that was used. The others stand alone: who asks for them wants to know whether they are there.
 */
const PREFERENCE = {
  PCMA: ['PCMA', 'PCMU'],
  PCMU: ['PCMU', 'PCMA'],
  G722: ['G722'],
  Opus: ['opus'],
} as const

function wishesOf({ media }: RunPlan['endpoint'], offering: boolean) {
  const { audio, video, jitterBuffer, encryption = 'None', rtcpMux = false, ice: wanted } = media
  const { codec, ptime } = audio
  // The offerer controls, unless it alone is lite (RFC 8445 6.1.1).
  const ice = wanted && { ice: { ...wanted, controlling: offering } }
  return {
    codecs: PREFERENCE[codec],
    ptime,
    jitterBuffer,
    encryption,
    rtcpMux,
    ...ice,
    ...(video && { video: { ...video, codecs: [video.codec], required: true } }),
    analysis: 'On',
  } as const
}

function sourceOf({ media: { audio }, role }: RunPlan['endpoint'], engine: MediaEngine): Source {
  const { source } = audio
  if (source.kind === 'Tone') return source
  if (source.kind === 'Speech') return role === 'Callee' ? { ...source, role } : source
  const outcome = engine.recording(source.name, Buffer.from(source.file, 'base64'))
  // Whoever made the plan has read the file.
  if (outcome.kind === 'Unusable') throw new Error(outcome.detail)
  return outcome
}

export interface AudioCall {
  call: Call
  stream: AudioStream
}

/** Holds an answered call until its time is over, somebody hangs up, media stops, or the run is stopped. Then `hangUp` is due. */
export async function hold(context: CheckContext, { call, stream }: AudioCall): Promise<void> {
  const { plan, clock, endpoint, emit, lag, media, signal } = context
  const { callDuration } = plan.endpoint
  endpoint.enter('InCall')
  using loop = lag()
  using pacing = media.watchPacing()
  const over = Promise.withResolvers<Ending>()
  const began = call.timings.answered ?? clock.monotonic()
  const silence = new SilenceWatch(stream)

  using _duration = clock.timer(callDuration - (clock.monotonic() - began), () => over.resolve('TimeIsOver'))
  using _seconds = media.everySecond(began, (second) =>
    guarded(context, () => {
      emit({ type: 'Sample', second, metrics: { ...stream.session.sample(), ...stream.video?.sample() } })
      if (silence.lasts(clock.monotonic())) over.resolve('Silence')
    }),
  )
  void call.ended.then(over.resolve)
  void stream.failed?.then(over.resolve, over.reject)
  const onStop = () => over.resolve({ by: 'Local' })
  signal.addEventListener('abort', onStop, { once: true })
  try {
    if (signal.aborted) onStop()
    judgeEnd(context, stream, await over.promise)
  } finally {
    signal.removeEventListener('abort', onStop)
  }
  const reason = saturation({ eventLoopLag: loop.p99(), pacingLateness: pacing.p99() })
  if (reason !== undefined) emit({ type: 'Saturation', reason })
}

type Ending = CallEnd | PathFailure | 'TimeIsOver' | 'Silence'

function judgeEnd(context: CheckContext, stream: AudioStream, end: Ending): void {
  const { endpoint, plan, signal } = context
  if (signal.aborted) return endpoint.stop()
  const fail = (failureClass: Parameters<typeof verdict>[0], message: string) =>
    endpoint.fail(verdict(failureClass, 'INVITE', message))
  if (end === 'Silence') fail('MediaTimeout', `No packet came for ${limits.mediaSilence / SECOND} s.`)
  else if (end === 'TimeIsOver') {
    if (stream.joining)
      fail('NoMedia', 'The call was answered, but its time was over before ICE and DTLS had found a way for media.')
  } else if ('stage' in end) fail(...classifyPath(end))
  else if (end.by === 'Timeout') fail('ResponseTimeout', 'The dialog died: no ACK came.')
  else if (end.by === 'Remote' && plan.endpoint.remoteHangup === 'Fail') {
    const why = end.reason === undefined ? '' : ` (${end.reason.slice(0, 200)})`
    fail('RemoteHangup', `The other side hung up before ${plan.endpoint.callDuration / SECOND} s were over${why}.`)
  }
  const absent = whatNeverCame(stream)
  if (absent !== undefined) fail('NoMedia', absent)
}

function whatNeverCame({ session, video }: AudioStream): string | undefined {
  if (session.report().packetsReceived === 0) return 'The call was answered, but not one packet came.'
  return video?.missing ? 'The call was answered with video, but not one packet of it came.' : undefined
}

/** Says goodbye if nobody did, stops the media, and writes down what was measured. To be called once an answered call is over, however. */
export async function hangUp(context: CheckContext, { call, stream }: AudioCall): Promise<void> {
  const { endpoint, clock, signal } = context
  endpoint.enter('Ending')
  const patience = { clock, limit: limits.bye, signal, limitOfStopped: limits.goodbyeOfStopped }
  const ended = await Promise.race([call.ended, Promise.resolve('Up' as const)])
  try {
    if (ended === 'Up') {
      const goodbye = within(call.bye(signal.aborted ? 'stopped' : undefined), patience)
      stream.stop()
      judgeGoodbye(context, await goodbye)
    }
  } finally {
    stream.stop()
    // A result that says nothing needs no findings.
    if (!signal.aborted) await stream.session.analyse()
    writeDown(context, { call, stream })
  }
}

function writeDown({ endpoint }: CheckContext, { call, stream }: AudioCall): void {
  const { metrics, mosBasis, findings = [], digits = [] } = stream.session.report()
  const ofVideo = stream.video?.report()
  endpoint.measured({ ...metrics, ...ofVideo })
  const refused = [metrics, ofVideo].flatMap((each) => each?.srtpFailures ?? [])
  if (refused.length > 0) endpoint.measured({ srtpFailures: refused.reduce((sum, count) => sum + count, 0) })
  if (mosBasis) endpoint.basis(mosBasis)
  for (const { finding } of findings) endpoint.found(finding)
  if (stream.terms) endpoint.agreed(stream.terms)
  const began = call.timings.answered ?? 0
  endpoint.heard(digits.map((digit) => ({ ...digit, at: digit.at - began })))
  endpoint.measured(callTimes(call.timings))
  endpoint.peer(call)
}

function judgeGoodbye({ endpoint, log }: CheckContext, outcome: Awaited<ReturnType<Call['bye']>> | undefined): void {
  if (outcome?.kind === 'Done' && outcome.code < 300) return
  const said =
    outcome === undefined || !('code' in outcome) ? 'was not answered in time' : `was answered with ${outcome.code}`
  log.info({ outcome }, 'the BYE was not answered well')
  endpoint.fail(verdict('TeardownFailed', 'INVITE', `The call was fine, but its BYE ${said}.`))
}

/** Whether media that came has stopped. What never came is not stopped; on hold nothing is expected. */
class SilenceWatch {
  readonly #stream: AudioStream
  #heldUntil = -Infinity

  constructor(stream: AudioStream) {
    this.#stream = stream
  }

  /** @param now monotonic milliseconds */
  lasts(now: number): boolean {
    if (this.#stream.onHold) this.#heldUntil = now
    const { lastReceivedAt } = this.#stream.session
    if (lastReceivedAt === undefined) return false
    return now - Math.max(lastReceivedAt, this.#heldUntil) >= limits.mediaSilence
  }
}
