/** Writes statuses to the store one after the other, in the order in which they were given. */
import type { ObjectStore } from '../../history/index.ts'

export class StatusWriter {
  readonly #objects: Pick<ObjectStore, 'writeStatus'>
  /** Names whose last write failed: the store is behind what we know. */
  readonly #unsaved = new Set<string>()
  #last: Promise<void> = Promise.resolve()

  constructor(objects: Pick<ObjectStore, 'writeStatus'>) {
    this.#objects = objects
  }

  isSaved(text: string): boolean {
    return !this.#unsaved.has(text)
  }

  /** Rejects when the store refuses; the next write of this name then goes through even if nothing changed. */
  write(text: string, object: { kind: string; namespace: string; name: string }, status: unknown): Promise<void> {
    const written = this.#last.then(() => this.#objects.writeStatus(object, status))
    this.#last = written.then(
      () => void this.#unsaved.delete(text),
      () => void this.#unsaved.add(text),
    )
    return written
  }

  settled(): Promise<void> {
    return this.#last
  }
}
