/** Both kinds of fuzzing run, over the parser alone and over a running engine, and what they found. A test judges it. */
import { type Findings, MOST_FINDINGS, sweep } from '../../../lib/fuzz/sweep.ts'
import { escapes, heapInUse, LONGEST, processorTime } from '../../../lib/fuzz/watch.ts'
import { seededRandom } from '../../../lib/random.ts'
import { drained } from '../conformance/lab.ts'
import { readCorpus } from './corpus.ts'
import { engineRun } from './engine-run.ts'
import { createMutator } from './mutate.ts'
import { readAll } from './readers.ts'

const latin1 = (): string[] => readCorpus().map(({ bytes }) => bytes.toString('latin1'))

type Send = (texts: readonly string[]) => Promise<void>

export function fuzzParser({ seed, count }: { seed: number; count: number }): Findings {
  const corpus = latin1()
  const { message } = createMutator(seededRandom(seed), corpus)
  return sweep({
    ...{ count, seeds: corpus, next: message },
    read: (text) => void readAll(Buffer.from(text, 'latin1')),
    show: (text) => JSON.stringify(text),
  })
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
  return { count: messages, bad: [...bad, ...escaped.found], growth }
}
