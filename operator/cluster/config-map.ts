/** What a ConfigMap holds, as octets. */
import type { KeyedOctets } from './cluster.ts'

/** @param binaryData base64 */
export function octetsOf({
  data,
  binaryData,
}: Record<'data' | 'binaryData', Readonly<Record<string, string>>>): KeyedOctets {
  return { ...decoded(data, 'utf8'), ...decoded(binaryData, 'base64') }
}

function decoded(texts: Readonly<Record<string, string>>, encoding: 'utf8' | 'base64'): KeyedOctets {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text, encoding)]))
}
