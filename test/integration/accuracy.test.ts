/** What the agent measures of a call to the responder, held against its record: loss exactly, jitter and MOS from its stamps. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createMediaEngine } from '../../agent/media/index.ts'
import { type RecordLine, startResponder } from '../../agent/respond/index.ts'
import { eventLoopLag, startRun } from '../../agent/run/index.ts'
import { PROTOCOL } from '../../agent/api/protocol.ts'
import type { CallResult, RunEvent, RunPlan } from '../../agent/api/protocol.ts'
import { createNativeEngine } from '../../agent/sip/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { ANYWHERE } from '../lab/impairment-expect.ts'
import { freePort } from '../lab/ports.ts'
import { temporaryFolder } from '../lab/process.ts'

const log = createLog({ name: 'test', level: 'silent' })
const common = { clock: systemClock, random: systemRandom, log }

/** Milliseconds that the plan's fixed jitter buffer holds a packet, and audio in a packet. */
const BUFFER = 60
const PTIME = 20

function plan(user: string, port: number): RunPlan {
  return {
    protocol: PROTOCOL,
    id: `accuracy-${user}`,
    epoch: 0,
    kind: 'Probe',
    namespace: 'default',
    name: user,
    generation: 1,
    location: 'default',
    check: 'Call',
    slot: systemClock.now(),
    endpoint: {
      id: 'only',
      role: 'Caller',
      registrar: { domain: '127.0.0.1', port, transport: 'UDP', register: false, expires: 300_000 },
      target: `sip:${user}@127.0.0.1:${port}`,
      media: {
        audio: { codec: 'PCMA', ptime: PTIME, source: { kind: 'Tone', frequency: 1004, level: -16 } },
        jitterBuffer: { mode: 'Fixed', delay: BUFFER },
      },
      callDuration: 10_000,
      remoteHangup: 'Fail',
    },
    timeouts: { register: 10_000, answer: 30_000, call: 30_000 },
    thresholds: {},
  }
}

interface Measured {
  result: CallResult
  /** Packets of the record in the order they came to the responder, up to the last one that the agent received. */
  window: Packet[]
}

type Packet = Extract<RecordLine, { action: string }>

/** Both sides in this process: when a busy machine stops it, neither of them sees a packet late that the other saw in time. */
async function measure(user: string): Promise<Measured> {
  using folder = temporaryFolder('accuracy')
  const record = join(folder.path, 'record')
  const listen = { host: '127.0.0.1', port: await freePort() }
  await using responder = await startResponder({ ...common, listen, accounts: [], record })
  const result = await execute(plan(user, responder.port))
  // It writes its record to the end.
  await responder[Symbol.asyncDispose]()
  const lines = readFileSync(record, 'utf8').split('\n')
  const packets = lines
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RecordLine)
    .flatMap((line) => ('action' in line ? [line] : []))
    // A last packet that was sent after all is written when it was sent.
    .toSorted((left, right) => left.receivedAt - right.receivedAt)
  return { result, window: upToEchoed(packets, result.metrics.packetsReceived ?? 0) }
}

/** The result of a run in this process. */
async function execute(wanted: RunPlan): Promise<CallResult> {
  await using engine = await createNativeEngine({ ...common, host: '127.0.0.1', userAgent: 'test' })
  await using media = createMediaEngine(common)
  const events: RunEvent[] = []
  const run = startRun(wanted, {
    ...common,
    engine,
    media,
    lag: eventLoopLag,
    emit: (event) => events.push(event),
  })
  await run.finished
  const [result] = events.flatMap((event) => (event.type === 'Call' ? [event.result] : []))
  if (!result) throw new Error('the run gave no result')
  return result
}

/** Loopback loses nothing, so the agent received the first `count` of those that were echoed. */
function upToEchoed(packets: readonly Packet[], count: number): Packet[] {
  let seen = 0
  const last = packets.findIndex(({ action }) => action === 'Echoed' && ++seen === count)
  if (last < 0) throw new Error(`${count} packets were received, but ${seen} echoed`)
  return packets.slice(0, last + 1)
}

/** RFC 3550 A.8 over the send stamps, averaged over the packets that have a predecessor; milliseconds. */
function averageJitter(window: readonly Packet[]): number {
  let jitter = 0
  let sum = 0
  const echoed = window.filter(({ action }) => action === 'Echoed')
  for (const [index, { sentAt = NaN, timestamp }] of echoed.entries()) {
    const before = echoed[index - 1]
    if (!before) continue
    const difference = sentAt - (before.sentAt ?? NaN) - ((timestamp - before.timestamp) | 0) / 8
    jitter += (Math.abs(difference) - jitter) / 16
    sum += jitter
  }
  return sum / (echoed.length - 1)
}

/** Which packets of the window could not be played: dropped, or more than `buffer` milliseconds later than the first. */
function missing(window: readonly Packet[], buffer: number): boolean[] {
  const [first] = window
  const transit = ({ sentAt = Infinity, timestamp }: Packet) =>
    sentAt - (first?.sentAt ?? NaN) - ((timestamp - (first?.timestamp ?? 0)) | 0) / 8
  return window.map((packet) => packet.action === 'Dropped' || transit(packet) > buffer)
}

/** Ppl in percent and BurstR (G.107 7-30): mean length of the runs that are missing, times the share that is not, at least 1. */
function lossOf(gone: readonly boolean[]): { ppl: number; burstR: number } {
  const count = gone.filter(Boolean).length
  const runs = gone.filter((each, index) => each && !gone[index - 1]).length
  const burstR = count === 0 ? 1 : Math.max(1, (count / runs) * (1 - count / gone.length))
  return { ppl: (100 * count) / gone.length, burstR }
}

/** The E-model (ITU-T G.107, 06/2015) at its defaults, with T = Ta = delay, Tr = 2 delay, G.711 with PLC: as printed, not ours. */
function emodelMos(delay: number, ppl: number, burstR: number): number {
  const log10 = Math.log10
  const pre = 35 + 10 * log10(1 + 10 ** ((10 - 18) / 10))
  const nos = 35 - 8 - 3 - 100 + 0.004 * (35 - 10 - 3 - 14) ** 2
  const nor = 2 - 121 + pre + 0.008 * (pre - 35) ** 2
  const no = 10 * log10(10 ** -7 + 10 ** (nos / 10) + 10 ** (nor / 10) + 10 ** ((-64 + 2) / 10))
  const ro = 15 - 1.5 * (8 + no)
  const xolr = 10 + 0.2 * (64 + no - 2)
  const iolr = 20 * ((1 + (xolr / 8) ** 8) ** (1 / 8) - xolr / 8)
  const s = -10 * log10(10 ** -1.5 + Math.exp(-delay / 4) * 10 ** -6.5)
  const ist =
    12 * (1 + ((s - 13) / 6) ** 8) ** (1 / 8) -
    28 * (1 + ((s + 1) / 19.4) ** 35) ** (1 / 35) -
    13 * (1 + ((s - 3) / 33) ** 13) ** (1 / 13) +
    29
  const q = 37
  const g = 1.07 + 0.258 * q + 0.0602 * q ** 2
  const iq = 15 * log10(1 + 10 ** ((ro - 100) / 15 + 46 / 8.4 - g / 9) + 10 ** (46 / 30 - g / 40))
  const terv = 65 - 40 * log10((1 + delay / 10) / (1 + delay / 150)) + 6 * Math.exp(-0.3 * delay ** 2)
  const difference = -1.5 * (no - 2) - (80 + 2.5 * (terv - 14))
  const idte = (difference / 2 + Math.sqrt(difference ** 2 / 4 + 100) - 1) * (1 - Math.exp(-delay))
  const rle = 10.5 * 117 * (2 * delay + 1) ** -0.25
  const idle = (ro - rle) / 2 + Math.sqrt((ro - rle) ** 2 / 4 + 169)
  const x = log10(delay / 100) / log10(2)
  const idd = delay <= 100 ? 0 : 25 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2)
  const ieEff = (95 * ppl) / (ppl / burstR + 25.1)
  const r = ro - (iolr + ist + iq) - (idte + idle + idd) - ieEff
  return r <= 0 ? 1 : r >= 100 ? 4.5 : Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)
}

describe('a call of ten seconds, as the agent measures it and as the record has it', () => {
  // From the Recommendation's default and a published combination of delay and bursty loss.
  test('the formulas of this test give the default MOS', () => {
    expect(emodelMos(0, 0, 1)).toBeCloseTo(4.409406, 4)
    expect(emodelMos(200, 5, 2)).toBeCloseTo(3.53, 3)
  })

  test.each(['echo', 'loss-5', 'loss-20'])('%s', async (user) => {
    const { result, window } = await measure(user)
    expect(result).toMatchObject({ outcome: 'Success' })
    const { metrics } = result
    const dropped = window.filter(({ action }) => action === 'Dropped').length
    expect(window.length).toBeGreaterThan(400)
    expect(metrics.packetsLost).toBe(dropped)
    expect(metrics.packetLoss).toBeCloseTo((100 * dropped) / window.length, 10)
    expect(Math.abs((metrics.jitter ?? NaN) - averageJitter(window))).toBeLessThan(ANYWHERE.jitter)

    // When the machine stands still between sending and receiving, a packet may be too late that was sent in time, or the first one be late.
    const [most, least] = [lossOf(missing(window, BUFFER / 2)), lossOf(missing(window, BUFFER * 1.5))]
    // The record knows no round trip: that is the agent's own, from RTCP.
    const delay = (metrics.rtt ?? 0) / 2 + BUFFER + PTIME
    const worst = emodelMos(delay, most.ppl, Math.max(most.burstR, least.burstR))
    const best = emodelMos(delay, least.ppl, Math.min(most.burstR, least.burstR))
    expect(metrics.mos).toBeGreaterThan(worst - 0.0005)
    expect(metrics.mos).toBeLessThan(best + 0.0005)
  })
})
