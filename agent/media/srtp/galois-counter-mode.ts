/** AES in Galois/counter mode over one packet (RFC 7714 8, 9); it knows no streams. */
import { type CipherGCMTypes, createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import type { Protocol, SessionKeys } from './session-keys.ts'
import { encryptedWord, type Position, RTCP_HEADER, type Transform, WORD } from './transform.ts'

const TAG = 16
const TAG_LENGTH = { authTagLength: TAG }

/**
 * The IV is new for each packet, and Node has no way to give one to a cipher that is there: the five calls that a packet takes cost 2.6 us
 * for 172 octets, of which making the cipher is 1.2. There is no cheaper way that leaves GHASH to the library.
 *
 *     octet   0    2           6               10          12
 *             |          session salt (12)                 |
 *        XOR  | 0  |   SSRC    |   ROC (4)     |  SEQ (2)  |
 */
export class GaloisCounterMode implements Transform {
  readonly overhead: number
  readonly trailingTag = 0
  readonly #rtcp: boolean
  readonly #salt: Buffer
  readonly #algorithm: CipherGCMTypes
  readonly #key
  readonly #iv = Buffer.alloc(12)
  /** Header and word of RTCP, which are not beside each other in the packet. */
  readonly #associated = Buffer.alloc(RTCP_HEADER + WORD)

  /** @param keys become its own: what is not needed is overwritten */
  constructor(keys: SessionKeys, protocol: Protocol) {
    this.#salt = keys.salt
    this.#rtcp = protocol === 'RTCP'
    this.#algorithm = keys.encryption.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm'
    this.#key = createSecretKey(keys.encryption)
    keys.encryption.fill(0)
    this.overhead = TAG + (this.#rtcp ? WORD : 0)
  }

  wordOffset(length: number): number {
    return length - WORD
  }

  seal(packet: Buffer, header: number, at: Position): void {
    const end = packet.length - this.overhead
    const cipher = createCipheriv(this.#algorithm, this.#key, this.#ivOf(at), TAG_LENGTH)
    cipher.setAAD(this.#associatedData(packet, header, at))
    cipher.update(packet.subarray(header, end)).copy(packet, header)
    cipher.final()
    cipher.getAuthTag().copy(packet, end)
    if (this.#rtcp) packet.writeUInt32BE(encryptedWord(at), this.wordOffset(packet.length))
  }

  open(packet: Buffer, header: number, at: Position): boolean {
    const end = packet.length - this.overhead
    const decipher = createDecipheriv(this.#algorithm, this.#key, this.#ivOf(at), TAG_LENGTH)
    decipher.setAAD(this.#associatedData(packet, header, at))
    decipher.setAuthTag(packet.subarray(end, end + TAG))
    const plain = decipher.update(packet.subarray(header, end))
    try {
      decipher.final()
    } catch {
      // The only way in which Node says that the tag is wrong.
      return false
    }
    plain.copy(packet, header)
    return true
  }

  [Symbol.dispose](): void {
    this.#salt.fill(0)
    this.#iv.fill(0)
  }

  #ivOf({ ssrc, rollover, sequenceNumber }: Position): Buffer {
    const salt = this.#salt
    salt.copy(this.#iv, 0, 0, 2)
    this.#iv.writeUInt32BE((salt.readUInt32BE(2) ^ ssrc) >>> 0, 2)
    this.#iv.writeUInt32BE((salt.readUInt32BE(6) ^ rollover) >>> 0, 6)
    this.#iv.writeUInt16BE(salt.readUInt16BE(10) ^ sequenceNumber, 10)
    return this.#iv
  }

  #associatedData(packet: Buffer, header: number, at: Position): Buffer {
    if (!this.#rtcp) return packet.subarray(0, header)
    packet.copy(this.#associated, 0, 0, header)
    this.#associated.writeUInt32BE(encryptedWord(at), header)
    return this.#associated
  }
}
