/**
 * A map for short-lived things under a heavy load. A Map of V8 is copied into a new table again and again when few entries come and go
 * quickly, and each table left behind keeps alive what was in it, and the next one: in a busy process all that ever passed through
 * survives until the next major collection (measured with 600,000 objects of which nine lived at a time, Node 26: nearly all of them survived,
 * here one in forty). Here what is deleted leaves its key behind until there are many of them, so that the table is copied seldom and holds
 * nothing then.
 */

/** Deletions after which the keys they left behind are thrown away, when they are also half of all. */
const MANY_DELETIONS = 4096

export class ChurningMap<Key, Value extends object> {
  #map = new Map<Key, Value | undefined>()
  #deletions = 0
  /** Undefined: to be counted again. A key that was there already may have been left behind, and to know would take another look for each. */
  #size: number | undefined = 0

  get size(): number {
    return (this.#size ??= this.values().length)
  }

  get(key: Key): Value | undefined {
    return this.#map.get(key)
  }

  set(key: Key, value: Value): void {
    const keys = this.#map.size
    this.#map.set(key, value)
    if (this.#map.size === keys) this.#size = undefined
    else if (this.#size !== undefined) this.#size++
  }

  delete(key: Key): void {
    if (this.#map.get(key) === undefined) return
    this.#map.set(key, undefined)
    if (this.#size !== undefined) this.#size--
    this.#deletions++
    if (this.#deletions >= MANY_DELETIONS && this.#deletions * 2 >= this.#map.size) this.#sweep()
  }

  clear(): void {
    this.#map = new Map()
    this.#deletions = 0
    this.#size = 0
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
    this.#deletions = 0
    this.#size = kept.size
  }
}
