/** Remembers answers of the DNS for a short while, so that a thousand calls a second are one question; it decides nothing. */
import type { Clock } from '../../../lib/clock.ts'
import type { Answer, Family, Names } from './names.ts'
import type { Pointer, Server } from './order.ts'

/** Milliseconds. Node tells the TTL of addresses alone; it is never stretched. */
const LONGEST = 60_000
const TTL_UNKNOWN = 10_000
/** What is not there may be there in a moment. */
const NOTHING = 1_000

/** Names of one kind; a load test has a few, so when there are more nothing is lost by asking again. */
const MOST = 1_000

export function remembering(names: Names, clock: Clock): Names {
  const pointers = new Remembered<Pointer>(clock)
  const servers = new Remembered<Server>(clock)
  const addresses = new Remembered<string>(clock)
  return {
    pointers: (name) => pointers.ask(name, () => names.pointers(name)),
    servers: (name) => servers.ask(name, () => names.servers(name)),
    addresses: (name, families: readonly Family[]) =>
      addresses.ask(`${families.join()} ${name}`, () => names.addresses(name, families)),
  }
}

class Remembered<Found> {
  readonly #clock: Clock
  readonly #answers = new Map<string, { answer: Promise<Answer<Found>>; until: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A question that is under way is asked once for all. */
  ask(key: string, question: () => Promise<Answer<Found>>): Promise<Answer<Found>> {
    const known = this.#answers.get(key)
    if (known && this.#clock.monotonic() < known.until) return known.answer
    const entry = { answer: question(), until: Infinity }
    if (this.#answers.size >= MOST) this.#answers.clear()
    this.#answers.set(key, entry)
    void entry.answer.then((answer) => {
      entry.until = this.#clock.monotonic() + lifetime(answer)
    })
    return entry.answer
  }
}

function lifetime<Found>(answer: Answer<Found>): number {
  if (answer.kind !== 'Found') return NOTHING
  return answer.ttl === undefined ? TTL_UNKNOWN : Math.min(answer.ttl * 1_000, LONGEST)
}
