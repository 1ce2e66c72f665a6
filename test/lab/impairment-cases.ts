/** Networks and streams drawn from a seed, as tests of accuracy want many of them; it sends nothing. */
import type { Random } from '../../lib/random.ts'
import type { RtpPassage } from './impairment-record.ts'
import { type GilbertElliott, type Impairment, type Jitter, Schedule } from './impairment-schedule.ts'

/** What networks are seen to do and somewhat more: up to 30 % loss, bursts, all kinds of jitter, up to a second under way. */
export function randomImpairment(random: Random): Impairment {
  const impairment: Impairment = {
    delay: between(random, 0, 150),
    loss: randomLoss(random),
    jitter: randomJitter(random),
  }
  if (random() < 0.5) impairment.duplication = between(random, 0, 0.1)
  if (random() < 0.5) impairment.reordering = { share: between(random, 0, 0.1), delay: between(random, 20, 200) }
  return impairment
}

function randomLoss(random: Random): number | GilbertElliott {
  const kind = random()
  if (kind < 0.2) return 0
  if (kind < 0.6) return between(random, 0, 0.3)
  return {
    toBad: between(random, 0.005, 0.1),
    toGood: between(random, 0.1, 0.6),
    lossInGood: between(random, 0, 0.02),
    lossInBad: between(random, 0.3, 1),
  }
}

function randomJitter(random: Random): number | Jitter {
  const kind = Math.floor(random() * 5)
  if (kind === 0) return 0
  if (kind === 1) return between(random, 1, 80)
  if (kind === 2) return { kind: 'Normal', mean: between(random, 10, 40), deviation: between(random, 1, 20) }
  if (kind === 3) return { kind: 'Gamma', shape: between(random, 0.5, 4), scale: between(random, 1, 10) }
  return { kind: 'Spikes', share: between(random, 0.001, 0.05), least: 30, shape: between(random, 1.2, 3), most: 400 }
}

function between(random: Random, low: number, high: number): number {
  return low + random() * (high - low)
}

export interface Stream {
  clockRate: number
  passages: RtpPassage[]
}

const PTIME = 20
/**
 * Thousands of packets as a relay would have them on record, in simulated time. Most wrap their numbers; in the middle of half of the
 * streams comes another SSRC, in a third the same one goes on elsewhere in its numbers: at once, while packets of before are under way.
 */
export function randomStream(random: Random): Stream {
  const clockRate = random() < 0.7 ? 8000 : 48_000
  const schedule = new Schedule(randomImpairment(random), random)
  const count = 2000 + Math.floor(random() * 3000)
  const switchAt = random() < 0.5 ? Math.floor(count * between(random, 0.2, 0.5)) : -1
  const restartAt = random() < 0.33 ? Math.floor(count * between(random, 0.6, 0.8)) : -1
  const passages: RtpPassage[] = []
  let [ssrc, number, timestamp] = [word(random), 65_536 - Math.floor(random() * 2000), word(random)]
  let arrivedAt = random() * 1e6
  for (let index = 0; index < count; index++) {
    if (index === switchAt) [ssrc, number, timestamp] = [word(random), Math.floor(random() * 65_536), word(random)]
    if (index === restartAt) number += 10_000 + Math.floor(random() * 40_000)
    // A sender's own pace is not even either.
    const sentAt = arrivedAt + random()
    const departures = schedule.next().map((delay) => sentAt + delay)
    passages.push({ ssrc, sequenceNumber: number & 0xffff, timestamp: timestamp >>> 0, arrivedAt: sentAt, departures })
    number++
    timestamp += (PTIME * clockRate) / 1000
    arrivedAt += PTIME
  }
  return { clockRate, passages }
}

function word(random: Random): number {
  return Math.floor(random() * 2 ** 32)
}
