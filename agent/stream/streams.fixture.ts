/** Two of our streams on loopback, and how they agree with each other, for tests: it checks nothing but that packets come. */
import { expect } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { systemRandom } from '../../lib/random.ts'
import { createMediaEngine, type MediaEngine } from '../media/index.ts'
import { type AudioStream, openStream } from './index.ts'

const HOST = '127.0.0.1'

export type Wishes = Partial<Omit<Parameters<typeof openStream>[0], 'media'>>

async function open(media: MediaEngine, wishes: Wishes = {}): Promise<AudioStream> {
  const outcome = await openStream({
    ...{ media, address: HOST, sessionId: 1, codecs: ['PCMA', 'PCMU'], ptime: 20, source: { kind: 'Tone' } },
    ...{ jitterBuffer: { mode: 'Fixed', delay: 60 }, encryption: 'None', rtcpMux: false },
    ...wishes,
  })
  if (outcome.kind !== 'Open') throw new Error(outcome.kind)
  return outcome.stream
}

export interface Pair extends AsyncDisposable {
  media: MediaEngine
  caller: AudioStream
  callee: AudioStream
}

export async function pair(ofCaller: Wishes = {}, ofCallee: Wishes = {}): Promise<Pair> {
  const media = createMediaEngine({ clock: systemClock, random: systemRandom })
  const [caller, callee] = [await open(media, ofCaller), await open(media, ofCallee)]
  return { media, caller, callee, [Symbol.asyncDispose]: () => media[Symbol.asyncDispose]() }
}

/** Offer, answer, and media both ways. Text: why not. `passing`, `back`: what becomes of offer and answer on their way. */
export function connect({ caller, callee }: Pair, passing = unchanged, back = unchanged): string | undefined {
  const answer = callee.answer(passing(caller.offer()))
  if ('unusable' in answer) return answer.unusable
  callee.begin()
  return caller.accept(back(answer.sdp))
}

const unchanged = (sdp: string): string => sdp

const heard = (stream: AudioStream) => stream.session.report().packetsReceived

export async function hearMore(...streams: AudioStream[]): Promise<void> {
  const before = streams.map(heard)
  await expect.poll(() => streams.every((each, index) => heard(each) > (before[index] ?? 0) + 3)).toBe(true)
}
