/** Both kinds of fuzzing run, over the parser alone and over a running engine, and what they found. A test judges it. */
import { systemClock } from '../../../lib/clock.ts'
import { seededRandom } from '../../../lib/random.ts'
import { drained } from '../conformance/lab.ts'
import { readCorpus } from './corpus.ts'
import { engineRun } from './engine-run.ts'
import { createMutator } from './mutate.ts'
import { readAll } from './readers.ts'
import { escapes, heapInUse, LONGEST, processorTime, tooLong } from './watch.ts'

export interface Findings {
  messages: number
  /** Exceptions, and messages that took too long; with the message as JSON, so that it can be added to the corpus. */
  bad: string[]
  /** Bytes by which the heap grew from a tenth of the messages on. */
  growth: number
}

/** More of them say nothing new. */
const MOST_FINDINGS = 10

const latin1 = (): string[] => readCorpus().map(({ bytes }) => bytes.toString('latin1'))

type Send = (texts: readonly string[]) => Promise<void>

export function fuzzParser({ seed, count }: { seed: number; count: number }): Findings {
  const corpus = latin1()
  const mutator = createMutator(seededRandom(seed), corpus)
  const bad: string[] = []
  let warm = 0
  const look = (text: string): void => {
    const bytes = Buffer.from(text, 'latin1')
    try {
      const long = tooLong(systemClock, () => void readAll(bytes))
      if (long !== undefined) bad.push(`${long} ms: ${JSON.stringify(text)}`)
    } catch (error) {
      bad.push(`${error instanceof Error ? error.stack : String(error)}: ${JSON.stringify(text)}`)
    }
  }
  for (const seedText of corpus) look(seedText)
  for (let number = 0; number < count && bad.length < MOST_FINDINGS; number++) {
    if (number === Math.floor(count / 10)) warm = heapInUse()
    look(mutator.message())
  }
  return { messages: count, bad, growth: heapInUse() - warm }
}

/** Datagrams between two looks at whether the engine still answers, and messages over one connection. */
const BATCH = 100
const STREAM = 25

/** Of the messages a fifth goes over TCP. What is found once the engine is over is found as well: its gauges do not come back to 0, and the test ends by its time limit. */
export async function fuzzEngine({ seed, count }: { seed: number; count: number }): Promise<Findings> {
  using escaped = escapes()
  const bad: string[] = []
  let warm = 0
  let messages = 0
  const corpus = latin1()
  await using run = await engineRun(seed, corpus)
  /** Before each look at the heap all is over that the RFC lets linger. */
  const settle = async (): Promise<number> => {
    await run.over()
    await drained(run.engine)
    return heapInUse()
  }
  const timed = async (send: Send, texts: readonly string[]): Promise<number> => {
    const before = processorTime()
    await send(texts)
    return processorTime() - before
  }
  /** All of them together take less than one may. Where not, each is sent again alone, so that it is seen which one it was. */
  const within = async (send: Send, texts: readonly string[]): Promise<void> => {
    if ((await timed(send, texts)) <= LONGEST) return
    for (const text of texts) {
      const shortest = Math.min(await timed(send, [text]), await timed(send, [text]), await timed(send, [text]))
      if (shortest > LONGEST) bad.push(`${shortest} ms: ${JSON.stringify(text)}`)
    }
  }
  await within(run.peer.datagrams, corpus)
  for (const text of corpus) await within(run.peer.stream, [text])
  while (messages < count && bad.length + escaped.found.length < MOST_FINDINGS) {
    if (warm === 0 && messages >= count / 10) warm = await settle()
    run.begin()
    await within(run.peer.datagrams, run.peer.messages(BATCH))
    await within(run.peer.stream, run.peer.messages(STREAM))
    messages += BATCH + STREAM
  }
  const growth = (await settle()) - warm
  return { messages, bad: [...bad, ...escaped.found], growth }
}
