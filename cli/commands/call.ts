/** `ringcheck call`: one call now, in this process, judged like a probe's; nothing is kept. */
import { readFile } from 'node:fs/promises'
import { everywhere } from '../../agent/everywhere.ts'
import { LARGEST_FILE } from '../../agent/api/protocol.ts'
import { createMediaEngine, readWave } from '../../agent/media/index.ts'
import type { RunEvent } from '../../agent/index.ts'
import { PROTOCOL, RunPlan } from '../../agent/index.ts'
import { eventLoopLag, startRun } from '../../agent/run/index.ts'
import { createNativeEngine, renderLadder, renderPcap } from '../../agent/sip/index.ts'
import { effectiveThresholds, parseDuration } from '../../crds/index.ts'
import type { Thresholds } from '../../crds/index.ts'
import { refuseTarget } from '../../crds/targets.ts'
import { thresholdProfiles } from '../../crds/thresholds.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom, token } from '../../lib/random.ts'
import { judge } from '../../operator/probes/health.ts'
import { CallProgress } from '../call-progress.ts'
import { basisOf, callSummary } from '../call-summary.ts'
import type { Command, Terminal, Words } from '../command.ts'
import { oneOf, UsageError } from '../command.ts'
import { exitCodes } from '../exit.ts'
import { iceFlags, iceOf } from '../ice.ts'
import { coloured, formatOf, outputFlag, print } from '../output.ts'
import { pcapFlag, writePcap } from '../pcap.ts'
import { USER_AGENT } from '../version.ts'
import { wayFlags, wayOf } from '../way.ts'

const codecs = ['PCMA', 'PCMU', 'G722', 'Opus'] as const
const videoCodecs = ['VP8', 'H264'] as const
const encryptions = ['None', 'SDES', 'DTLS', 'Optional'] as const

export const call: Command = {
  name: 'call',
  usage: 'URI [flags]',
  description:
    'URI is whom to call, such as sip:echo@127.0.0.1:5060. Progress goes to standard error, the result to standard output; the exit code is the health.',
  flags: {
    check: { value: 'Call|Options|Register', default: 'Call', help: 'What is done' },
    ...wayFlags,
    register: { help: 'Register before the call' },
    username: { value: 'NAME', help: 'Account; its password comes from RINGCHECK_PASSWORD or --password-file' },
    'password-file': { value: 'FILE', help: 'File whose first line is the password' },
    duration: { value: 'DURATION', default: '5s', help: 'From answer to our BYE' },
    'answer-timeout': { value: 'DURATION', default: '30s', help: 'How long an answer is waited for' },
    codec: { value: codecs.join('|'), default: 'PCMA', help: 'Codec; of PCMA and PCMU the other one is offered, too' },
    video: { value: videoCodecs.join('|'), help: 'Video beside the audio; default: none' },
    play: { value: 'FILE', help: 'WAV file that is sent; default: a signal with the rhythm of speech' },
    encryption: { value: encryptions.join('|'), default: 'None', help: 'Whether media is encrypted (SRTP)' },
    ...iceFlags,
    'rtcp-mux': { help: 'RTP and RTCP over one port, when the other side can' },
    profile: { value: thresholdProfiles.join('|'), default: 'Standard', help: 'Thresholds that judge the call' },
    pcap: pcapFlag,
    output: outputFlag,
  },
  examples: [
    ['call sip:echo@127.0.0.1:5060', 'the built-in responder of ringcheck respond'],
    ['call sip:+4930123456@sip.example.com --username 1001 --register', 'through a trunk, with RINGCHECK_PASSWORD set'],
    ['call sips:echo@pbx.example.com --ca pbx-ca.pem', 'over TLS, by a private authority'],
    ['call sip:echo@127.0.0.1 --codec Opus --encryption SDES', 'another codec, and encrypted or not at all'],
    ['call sip:echo@127.0.0.1 --ice Full --stun stun.example.com:3478', 'over ICE, also by what a STUN server sees'],
    ['call sip:echo@127.0.0.1 --video VP8', 'with video, and how many frames of it came'],
    ['call sip:echo@127.0.0.1 --play greeting.wav', 'a recording of yours is what is sent, again and again'],
    ['call sip:echo@127.0.0.1 --output json | jq .metrics', 'figures for a script; .basis says what each rests on'],
    ['call sip:echo@127.0.0.1 --pcap call.pcap', 'and its SIP messages for Wireshark'],
  ],
  positionals: { least: 1, most: 1 },
  async run(words, terminal) {
    const format = formatOf(words)
    const plan = await planOf(words, terminal)
    const events = await place(plan, terminal, format === 'table')
    const ended = events.find((event) => event.type === 'Call')
    if (!ended) throw new Error('the call ended without a result')
    const saturation = events.find((event) => event.type === 'Saturation')
    const result = saturation
      ? { ...ended.result, failureClass: 'AgentSaturated' as const, message: saturation.reason }
      : ended.result
    const judgement = judge(result, plan.thresholds as Thresholds)
    const trace = events.find((event) => event.type === 'Trace')
    const samples = events.flatMap((event) =>
      event.type === 'Sample' ? [{ second: event.second, ...event.metrics }] : [],
    )
    const shown = { health: judgement.level, ...judgement, ...result, basis: basisOf(result), samples }
    print(terminal, format, shown, () =>
      [
        ...(trace ? [renderLadder(trace), ''] : []),
        callSummary(result, judgement),
        '',
        `${coloured(terminal, judgement.level)}: ${judgement.reason}. ${judgement.message}\n`,
      ].join('\n'),
    )
    await writePcap(words, () => renderPcap(trace ?? { messages: [] }))
    return result.stopped ? exitCodes.Unknown : exitCodes[judgement.level]
  },
}

async function place(plan: RunPlan, terminal: Terminal, progress: boolean): Promise<RunEvent[]> {
  const clock = systemClock
  const random = systemRandom
  const log = createLog({ name: 'call', level: 'error', pretty: true })
  await using engine = await createNativeEngine({ clock, random, host: everywhere(), userAgent: USER_AGENT })
  await using media = createMediaEngine({ clock, random })
  const events: RunEvent[] = []
  const shown = progress ? new CallProgress(terminal) : undefined
  const run = startRun(plan, {
    engine,
    media,
    clock,
    random,
    log,
    lag: eventLoopLag,
    emit: (event) => {
      events.push(event)
      shown?.tell(event)
    },
  })
  const stop = () => run.stop()
  terminal.signal.addEventListener('abort', stop)
  if (terminal.signal.aborted) stop()
  await run.finished
  return events
}

async function planOf(words: Words, terminal: Terminal): Promise<RunPlan> {
  const [target = ''] = words.positionals
  const way = await wayOf(target, words)
  const refused = refuseTarget(target, undefined)
  if (refused) throw new UsageError(refused)
  const check = oneOf(words, 'check', ['Call', 'Options', 'Register'] as const)
  const profile = oneOf(words, 'profile', thresholdProfiles)
  const encryption = oneOf(words, 'encryption', encryptions)
  const ice = iceOf(words, terminal)
  const now = systemClock.now()
  return RunPlan.parse({
    protocol: PROTOCOL,
    id: `call-${token(systemRandom)}`,
    epoch: 0,
    kind: 'Probe',
    namespace: 'default',
    name: 'call',
    generation: 0,
    location: 'default',
    check,
    slot: now,
    endpoint: {
      id: 'call',
      role: 'Caller',
      ...(await accountOf(words, terminal)),
      registrar: {
        ...way,
        register: words.has('register') || check === 'Register',
        expires: 300_000,
      },
      ...(check !== 'Register' && { target }),
      media: {
        audio: { codec: oneOf(words, 'codec', codecs), ptime: 20, source: await sourceOf(words) },
        ...videoOf(words, encryption === 'DTLS' || ice !== undefined),
        ...(encryption !== 'None' && { encryption }),
        ...(words.has('rtcp-mux') && { rtcpMux: true }),
        ...(ice && { ice }),
        jitterBuffer: { mode: 'Fixed', delay: 60 },
      },
      callDuration: durationOf(words, 'duration'),
      remoteHangup: 'Fail',
    },
    timeouts: { register: 10_000, answer: durationOf(words, 'answer-timeout'), call: 0 },
    thresholds: effectiveThresholds({ check, thresholdProfile: profile, locations: [] }, 'default'),
  })
}

/** @param path media goes over ICE or DTLS */
function videoOf(words: Words, path: boolean): { video?: object } {
  if (words.text('video') === undefined) return {}
  if (path) throw new UsageError('--video: not with --encryption DTLS or --ice')
  return { video: { codec: oneOf(words, 'video', videoCodecs), resolution: 'R360p', frameRate: 30 } }
}

async function sourceOf(words: Words): Promise<RunPlan['endpoint']['media']['audio']['source']> {
  const name = words.text('play')
  if (name === undefined) return { kind: 'Speech' }
  const file = await readFile(name)
  if (file.length > LARGEST_FILE)
    throw new UsageError(`--play: ${name} has ${file.length} octets; allowed are up to ${LARGEST_FILE}`)
  const outcome = readWave(name, file)
  if (outcome.kind === 'Unusable') throw new UsageError(`--play: ${outcome.detail}`)
  return { kind: 'Recording', name, file: file.toString('base64') }
}

async function accountOf(words: Words, { environment }: Terminal): Promise<{ account?: object }> {
  const username = words.text('username')
  if (username === undefined) return {}
  const file = words.text('password-file')
  const password =
    file === undefined ? environment['RINGCHECK_PASSWORD'] : (await readFile(file, 'utf8')).split(/\r?\n/)[0]
  return { account: { username, ...(password !== undefined && { password }) } }
}

/** Milliseconds: nobody waits longer in front of a terminal. */
const LONGEST = 3_600_000

function durationOf(words: Words, flag: string): number {
  const text = words.text(flag) ?? ''
  const found = parseDuration(text)
  if (!found || found > LONGEST)
    throw new UsageError(`--${flag} ${text}: must be a duration up to 1h, such as 5s or 1m30s`)
  return found
}
