/** Alerts of DTLS 1.2 in the records they come in (RFC 5246 7.2, RFC 6347 4.1); it sends none and ends nothing. */

/** Undoes the encryption of a record; it throws when the record is not authentic. */
export type Decrypt = (
  fragment: Buffer,
  header: { type: number; version: number; epoch: number; sequenceNumber: number },
) => Buffer

const ALERT = 21
const FATAL = 2
const HEADER = 13

const NAMES: Readonly<Record<number, string>> = {
  ...{ 0: 'close_notify', 10: 'unexpected_message', 20: 'bad_record_mac', 40: 'handshake_failure' },
  ...{ 42: 'bad_certificate', 43: 'unsupported_certificate', 44: 'certificate_revoked', 45: 'certificate_expired' },
  ...{ 46: 'certificate_unknown', 47: 'illegal_parameter', 48: 'unknown_ca', 49: 'access_denied' },
  ...{ 50: 'decode_error', 51: 'decrypt_error', 70: 'protocol_version', 71: 'insufficient_security' },
  ...{ 80: 'internal_error', 90: 'user_canceled', 100: 'no_renegotiation', 110: 'unsupported_extension' },
}

/**
 *     | type (8) | version (16) | epoch (16) | sequence number (48) | length (16) | level (8) | description (8) |
 *
 * @param decrypt for alerts from after ChangeCipherSpec
 * @returns the alert that the first record of a datagram is and that ends the handshake; undefined: it is none, or one that cannot be read
 */
export function endingAlert(datagram: Buffer, decrypt: Decrypt | undefined): string | undefined {
  if (datagram.length < HEADER || datagram.readUInt8(0) !== ALERT) return undefined
  const epoch = datagram.readUInt16BE(3)
  const fragment = datagram.subarray(HEADER, HEADER + datagram.readUInt16BE(11))
  const header = {
    ...{ type: ALERT, version: datagram.readUInt16BE(1) },
    ...{ epoch, sequenceNumber: datagram.readUIntBE(5, 6) },
  }
  let alert: Buffer | undefined = fragment
  try {
    if (epoch > 0) alert = decrypt?.(fragment, header)
  } catch {
    // Not from the peer, or cut off.
    return undefined
  }
  const [level, description] = alert ?? []
  if (level === undefined || description === undefined) return undefined
  const name = NAMES[description] ?? `alert ${description}`
  return level === FATAL || name === 'close_notify' ? name : undefined
}
