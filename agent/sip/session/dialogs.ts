/** The dialogs of one engine, early and confirmed, found by what a request names them with (RFC 3261 12); what happens in them is their users' matter. */
import { NumberMap } from '../../../lib/number-map.ts'
import type { DialogUser } from '../core.ts'
import { tagNumber } from '../message/identifiers.ts'
import type { DialogName } from './dialog.ts'

/**
 * By the number in our tag: text that has just been put together or cut out of a message is a dear key. The branches of one forked INVITE
 * share our tag.
 */
export class Dialogs {
  readonly #users = new NumberMap<readonly DialogUser[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  find(name: DialogName): DialogUser | undefined {
    const number = tagNumber(name.localTag)
    return number === undefined ? undefined : this.#users.get(number)?.find(({ dialog }) => dialog.isNamed(name))
  }

  /** How many share a tag of ours. */
  branches(localTag: string): number {
    const number = tagNumber(localTag)
    return number === undefined ? 0 : (this.#users.get(number)?.length ?? 0)
  }

  /** It takes the place of whoever had its dialog. */
  put(user: DialogUser): void {
    const number = tagNumber(user.dialog.localTag)
    if (number === undefined) return
    const others = this.#others(number, user.dialog)
    this.#users.set(number, [...others, user])
    this.#size++
  }

  delete(name: DialogName): void {
    const number = tagNumber(name.localTag)
    if (number === undefined) return
    const others = this.#others(number, name)
    if (others.length > 0) this.#users.set(number, others)
    else this.#users.delete(number)
  }

  values(): DialogUser[] {
    return this.#users.values().flat()
  }

  clear(): void {
    this.#users.clear()
    this.#size = 0
  }

  /** Those of our tag that are left without the one of that name. */
  #others(number: number, name: DialogName): readonly DialogUser[] {
    const present = this.#users.get(number)
    if (!present) return NOBODY
    const others = present.filter(({ dialog }) => !dialog.isNamed(name))
    this.#size -= present.length - others.length
    return others
  }
}

const NOBODY: readonly DialogUser[] = []
