/**
 * A map for short-lived things under a heavy load. A Map of V8 is copied into a new table again and again when few entries come and go
 * quickly, and each table left behind keeps alive what was in it, and the next one: in a busy process all that ever passed through
 * survives until the next major collection (measured: a quarter of the time of a SIP call). Here what is deleted leaves its key behind until
 * there are many of them, so that the table is copied seldom and holds nothing then.
 */

/** Keys that are left behind at most. */
const MOST_GONE = 4096

export class ChurningMap<Key, Value extends object> {
  #map = new Map<Key, Value | undefined>()
  #gone = 0

  get size(): number {
    return this.#map.size - this.#gone
  }

  get(key: Key): Value | undefined {
    return this.#map.get(key)
  }

  has(key: Key): boolean {
    return this.#map.get(key) !== undefined
  }

  set(key: Key, value: Value): void {
    const keys = this.#map.size
    // Of a key that is there it must be known whether it was left behind.
    const gone = this.#gone > 0 && this.#map.get(key) === undefined
    this.#map.set(key, value)
    if (gone && this.#map.size === keys) this.#gone--
  }

  delete(key: Key): void {
    if (this.#map.get(key) === undefined) return
    this.#map.set(key, undefined)
    if (++this.#gone >= MOST_GONE) this.#sweep()
  }

  clear(): void {
    this.#map = new Map()
    this.#gone = 0
  }

  /** All that is in it now, in the order it came. */
  values(): Value[] {
    return [...this.#map.values()].filter((value) => value !== undefined)
  }

  /** A new table: deleting the keys one by one would copy the old one at every halving. */
  #sweep(): void {
    const kept = new Map<Key, Value | undefined>()
    for (const [key, value] of this.#map) if (value !== undefined) kept.set(key, value)
    this.#map = kept
    this.#gone = 0
  }
}
