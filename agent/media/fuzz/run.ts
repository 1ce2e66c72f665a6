/** The kinds of fuzzing run, over parsers, over receivers of SRTP and over running sessions, and what they found. A test judges it. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemClock } from '../../../lib/clock.ts'
import { type Findings, MOST_FINDINGS, sweep } from '../../../lib/fuzz/sweep.ts'
import { escapes, heapInUse, LONGEST, processorTime } from '../../../lib/fuzz/watch.ts'
import { seededRandom } from '../../../lib/random.ts'
import type { MediaReport } from '../media.ts'
import type { RefusalReason } from '../srtp/index.ts'
import { readCorpus } from './corpus.ts'
import { createMutator } from './mutate.ts'
import { createReader } from './readers.ts'
import { type Sessions, type Shot, type Truth, sessions } from './sessions.ts'
import { srtpTargets } from './srtp.ts'

interface Size {
  seed: number
  count: number
}

const hexadecimal = (packet: Buffer): string => packet.toString('hex')

export function fuzzParsers({ seed, count }: Size): Findings {
  const corpus = readCorpus()
  using reader = createReader(systemClock)
  const { packet } = createMutator(seededRandom(seed), corpus)
  return sweep({ count, seeds: corpus, next: packet, read: reader.read, show: hexadecimal })
}

/** Each reason for which a receiver refuses is among those that it gave, or it was not got at. */
export function fuzzSrtp({ seed, count }: Size): Findings & { refused: Set<RefusalReason> } {
  const random = seededRandom(seed)
  const targets = srtpTargets().map((target) => ({ target, mutator: createMutator(random, target.genuine) }))
  const refused = new Set<RefusalReason>()
  let turn = 0
  const findings = sweep({
    ...{ count, seeds: [] },
    next() {
      const { target, mutator } = targets[turn++ % targets.length] ?? {}
      if (!target || !mutator) throw new Error('there is no suite')
      return { target, packet: mutator.packet() }
    },
    read({ target, packet }) {
      const reason = target.refuse(packet)
      if (reason) refused.add(reason)
    },
    show: ({ target, packet }) => `${target.name} ${hexadecimal(packet)}`,
  })
  return { ...findings, refused }
}

export interface SessionFindings extends Findings {
  /** The real stream, and what was measured of it. */
  truth: Truth
  measured: MediaReport
  /** The same stream under SRTP, in which nothing comes twice. */
  sealed: MediaReport
  counted: ReturnType<Sessions['counted']>
  expected: ReturnType<Sessions['expected']>
  /** What was held after a tenth of the packets, and at the end. */
  held: [early: Held, late: Held]
}

type Held = ReturnType<Sessions['held']> & { sockets: number }

/** Batches after which a session comes and goes, and the figures are looked at: a second of the clock. */
const SECOND = 50

/** A packet that is not read at all keeps the run from its end: the test ends it by its time limit. */
export async function fuzzSessions({ seed, count }: Size): Promise<SessionFindings> {
  using escaped = escapes()
  const bad: string[] = []
  await using run = await sessions(seed, readCorpus())
  const held = async (): Promise<Held> => {
    // A socket that is closed is gone a turn later.
    await nextTurn()
    return { ...run.held(), sockets: openSockets() }
  }
  const timed = async (shots: readonly Shot[]): Promise<number> => {
    const before = processorTime()
    await run.fire(shots)
    return processorTime() - before
  }
  /** All of them together take less than one may. Where not, each is sent again alone, so that it is seen which one it was. */
  const within = async (shots: readonly Shot[]): Promise<void> => {
    if ((await timed(shots)) <= LONGEST) return
    for (const shot of shots) {
      const shortest = Math.min(await timed([shot]), await timed([shot]), await timed([shot]))
      if (shortest > LONGEST) bad.push(`${shortest} ms: ${shot.as} ${shot.port} ${hexadecimal(shot.packet)}`)
    }
  }
  let early: Held | undefined
  let warm = 0
  let packets = 0
  for (let batch = 0; packets < count && bad.length + escaped.found.length < MOST_FINDINGS; batch++) {
    if (!early && packets >= count / 10) {
      early = await held()
      warm = heapInUse()
    }
    const shots = run.shots()
    await within(shots)
    packets += shots.length
    if (batch % SECOND > 0) continue
    packets += await run.shortLife()
    for (const [name, { metrics }] of Object.entries(run.reports())) bad.push(...impossible(name, metrics))
  }
  const truth = { ...(await run.end()) }
  const growth = heapInUse() - warm
  const late = await held()
  const { measured, sealed } = run.reports()
  return {
    ...{ count: packets, bad: [...bad, ...escaped.found], growth, truth, measured, sealed },
    ...{ counted: run.counted(), expected: run.expected(), held: [early ?? late, late] },
  }
}

/** Figures that no call can have: below 0 are only R and a drift. */
function impossible(session: string, metrics: MediaReport['metrics']): string[] {
  const signed = ['rFactor', 'clockDriftPpm']
  const shares = ['packetLoss', 'remotePacketLoss', 'discardRate', 'burstDensity', 'gapDensity']
  return Object.entries(metrics)
    .filter(([key, value]) => {
      if (value === undefined) return false
      return !Number.isFinite(value) || (value < 0 && !signed.includes(key)) || (value > 100 && shares.includes(key))
    })
    .map(([key, value]) => `${session}: ${key} is ${value}`)
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'UDPWrap').length
}
