/** Users' recordings by what their files hold: whoever brings the same file again gets the same recording, which is encoded once. It reads no disk. */
import { hash } from 'node:crypto'
import { type Recording, readWave, type WaveOutcome } from './wave-file.ts'

/** Those that were asked for last are kept: at most 120 s of samples each, and what they are encoded to. */
const MOST = 16

export class Recordings {
  /** The one that was asked for last is at the end. */
  readonly #known = new Map<string, Recording>()

  /** @param name of the file, for the text of a refusal @param file a WAV file's octets */
  of(name: string, file: Uint8Array): WaveOutcome {
    const digest = hash('sha256', file)
    const known = this.#known.get(digest)
    const outcome = known ? ({ kind: 'Recording', recording: known } as const) : readWave(name, file)
    if (outcome.kind === 'Unusable') return outcome
    this.#known.delete(digest)
    this.#known.set(digest, outcome.recording)
    const [oldest] = this.#known.keys()
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest)
    return outcome
  }
}
