/** Gives made input to a reader, one after the other, and keeps what went wrong. It makes none, and judges nothing. */
import { systemClock } from '../clock.ts'
import { heapInUse, tooLong } from './watch.ts'

export interface Findings {
  /** Messages, or packets. */
  count: number
  /** Exceptions, and what took too long; with the input, so that it can be added to the corpus. */
  bad: string[]
  /** Bytes by which the heap grew from a tenth of the input on. */
  growth: number
}

/** More of them say nothing new. */
export const MOST_FINDINGS = 10

export interface Sweep<Input> {
  count: number
  /** Read before all others, and not counted. */
  seeds: readonly Input[]
  next: () => Input
  /** What it throws is a finding. */
  read: (input: Input) => void
  /** An input as text. */
  show: (input: Input) => string
}

export function sweep<Input>({ count, seeds, next, read, show }: Sweep<Input>): Findings {
  const bad: string[] = []
  let warm = 0
  const look = (input: Input): void => {
    try {
      const long = tooLong(systemClock, () => read(input))
      if (long !== undefined) bad.push(`${long} ms: ${show(input)}`)
    } catch (error) {
      bad.push(`${error instanceof Error ? error.stack : String(error)}: ${show(input)}`)
    }
  }
  for (const seed of seeds) look(seed)
  for (let number = 0; number < count && bad.length < MOST_FINDINGS; number++) {
    if (number === Math.floor(count / 10)) warm = heapInUse()
    look(next())
  }
  return { count, bad, growth: heapInUse() - warm }
}
