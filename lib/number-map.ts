/**
 * A map with numbers as keys, for very many short-lived things. A Map of V8 keeps an object for each key that is no small integer, and is copied
 * into a new table again and again when few entries come and go quickly; each table left behind keeps alive what was in it (measured with
 * 600,000 objects of which nine lived at a time, Node 26: nearly all of them survived until the next major collection). Here the keys lie side
 * by side in one typed array, a look-up mostly touches one place of it, and what is deleted leaves nothing behind.
 */

/** Places of a new map; always a power of two. */
const LEAST = 64

/** Open addressing with linear probing; a place is empty when its key is NaN. */
export class NumberMap<Value extends object> {
  #keys = empty(LEAST)
  #values: Array<Value | undefined> = places(LEAST)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Nothing is ever found under NaN. */
  get(key: number): Value | undefined {
    const keys = this.#keys
    const mask = keys.length - 1
    for (let at = home(key) & mask; ; at = (at + 1) & mask) {
      const present = keys[at]
      if (present === key) return this.#values[at]
      if (Number.isNaN(present)) return undefined
    }
  }

  has(key: number): boolean {
    return this.get(key) !== undefined
  }

  /** @param key any number but NaN */
  set(key: number, value: Value): void {
    const at = this.#find(key)
    this.#values[at] = value
    if (this.#keys[at] === key) return
    this.#keys[at] = key
    this.#size++
    if (this.#size * 2 > this.#keys.length) this.#resize(this.#keys.length * 2)
  }

  delete(key: number): void {
    const at = this.#find(key)
    if (this.#keys[at] !== key) return
    this.#close(at)
    this.#size--
    if (this.#size * 16 < this.#keys.length && this.#keys.length > LEAST) this.#resize(this.#keys.length / 4)
  }

  clear(): void {
    this.#keys = empty(LEAST)
    this.#values = places(LEAST)
    this.#size = 0
  }

  /** All that is in it now, in no order. */
  values(): Value[] {
    return this.#values.filter((value) => value !== undefined)
  }

  /** Where the key is, or the empty place where it would be. */
  #find(key: number): number {
    const keys = this.#keys
    const mask = keys.length - 1
    let at = home(key) & mask
    while (keys[at] !== key && !Number.isNaN(keys[at])) at = (at + 1) & mask
    return at
  }

  /** Empties a place; those behind it that could not have theirs because of it move up, so that a search may end at an empty one. */
  #close(gap: number): void {
    const [keys, values] = [this.#keys, this.#values]
    const mask = keys.length - 1
    for (let at = (gap + 1) & mask; ; at = (at + 1) & mask) {
      const key = keys[at] ?? NaN
      if (Number.isNaN(key)) break
      // It may go as far back as its home.
      const back = (at - home(key)) & mask
      if (back < ((at - gap) & mask)) continue
      keys[gap] = key
      values[gap] = values[at]
      gap = at
    }
    keys[gap] = NaN
    values[gap] = undefined
  }

  #resize(length: number): void {
    const [keys, values] = [this.#keys, this.#values]
    this.#keys = empty(length)
    this.#values = places(length)
    for (let at = 0; at < keys.length; at++) {
      const key = keys[at] ?? NaN
      if (Number.isNaN(key)) continue
      const place = this.#find(key)
      this.#keys[place] = key
      this.#values[place] = values[at]
    }
  }
}

function empty(length: number): Float64Array {
  return new Float64Array(length).fill(NaN)
}

function places<Value>(length: number): Array<Value | undefined> {
  return new Array<Value | undefined>(length).fill(undefined)
}

/** Numbers in a row, and those that differ in a few bits only, come to lie apart. */
function home(key: number): number {
  const mixed = Math.imul(key | 0, 0x9e3779b1) ^ Math.imul((key / 2 ** 32) | 0, 0x85ebca6b)
  return mixed ^ (mixed >>> 15)
}
