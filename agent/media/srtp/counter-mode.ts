/** AES in counter mode with HMAC-SHA1 over one packet (RFC 3711 4.1.1, 4.2.1); it knows no streams. */
import { HmacSha1 } from './hmac-sha1.ts'
import { Keystream } from './keystream.ts'
import type { Protocol, SessionKeys } from './session-keys.ts'
import { encryptedWord, type Position, type Transform, WORD } from './transform.ts'

export class CounterMode implements Transform {
  readonly overhead: number
  readonly trailingTag: number
  readonly #rtcp: boolean
  readonly #keystream: Keystream
  readonly #hmac: HmacSha1

  /** @param keys become its own: what is not needed is overwritten */
  constructor(keys: SessionKeys, protocol: Protocol, tagLength: number) {
    this.#rtcp = protocol === 'RTCP'
    this.#keystream = new Keystream(keys.encryption, keys.salt)
    this.#hmac = new HmacSha1(keys.authentication)
    keys.encryption.fill(0)
    keys.authentication.fill(0)
    this.trailingTag = tagLength
    this.overhead = tagLength + (this.#rtcp ? WORD : 0)
  }

  wordOffset(length: number): number {
    return length - this.overhead
  }

  seal(packet: Buffer, header: number, at: Position): void {
    const end = packet.length - this.overhead
    this.#keystream.apply(packet, header, end, at)
    if (this.#rtcp) packet.writeUInt32BE(encryptedWord(at), end)
    packet.write(this.#digest(packet, end, at), packet.length - this.trailingTag, this.trailingTag, 'latin1')
  }

  open(packet: Buffer, header: number, at: Position): boolean {
    const end = packet.length - this.overhead
    if (!this.#endsWith(packet, this.#digest(packet, end, at))) return false
    this.#keystream.apply(packet, header, end, at)
    return true
  }

  [Symbol.dispose](): void {
    this.#keystream[Symbol.dispose]()
    this.#hmac[Symbol.dispose]()
  }

  /** Of RTP the rollover counter is authenticated though it is not sent; of RTCP the word that is. */
  #digest(packet: Buffer, end: number, at: Position): string {
    return this.#hmac.digest(packet, end, this.#rtcp ? encryptedWord(at) : at.rollover)
  }

  /** Takes as long for a tag that differs early as for one that differs late. */
  #endsWith(packet: Buffer, digest: string): boolean {
    const start = packet.length - this.trailingTag
    let difference = 0
    for (let index = 0; index < this.trailingTag; index++) {
      difference |= (packet[start + index] ?? 0) ^ digest.charCodeAt(index)
    }
    return difference === 0
  }
}
