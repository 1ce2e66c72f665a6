/**
 * Queries and answers of the Domain Name System as octets, as far as a cluster's names need them (RFC 1035 section 4, RFC 2782):
 *
 *     header (12): ID, flags, four counts | question: name, type (2), class (2) | answers: name, type, class, TTL (4), length (2), data
 */

export interface Question {
  /** Lower case. */
  readonly labels: readonly string[]
  /** `Other`: a type that has no answers here. */
  readonly type: 'A' | 'SRV' | 'Other'
  /** As it came, from the header to the end of the question. */
  readonly octets: Buffer
}

export type Answer =
  | { readonly kind: 'Addresses'; readonly addresses: readonly string[] }
  | { readonly kind: 'Servers'; readonly servers: ReadonlyArray<{ readonly port: number; readonly target: string }> }
  /** The name exists, and has nothing of this type. */
  | { readonly kind: 'Nothing' }
  | { readonly kind: 'NoSuchName' }
  | { readonly kind: 'Failure' }

const HEADER = 12
const A = 1
const SRV = 33
const CODES = { Addresses: 0, Servers: 0, Nothing: 0, Failure: 2, NoSuchName: 3 } as const
/** Seconds: what a cluster says changes at any time. */
const TIME_TO_LIVE = 1
const INTERNET = 1
/** A response, authoritative; recursion available, so that no resolver warns. */
const FLAGS = 0x8480
const RECURSION_DESIRED = 0x0100
/** The name of the question once more: a pointer to it (RFC 1035 4.1.4). */
const SAME_NAME = 0xc000 | HEADER

/** Undefined for what is no query with one question. */
export function readQuestion(query: Buffer): Question | undefined {
  const labels: string[] = []
  let offset = HEADER
  for (let length = query[offset] ?? 0; length > 0; length = query[offset] ?? 0) {
    labels.push(query.toString('latin1', offset + 1, offset + 1 + length).toLowerCase())
    offset += 1 + length
  }
  const end = offset + 5
  if (query.length < end) return undefined
  const code = query.readUInt16BE(offset + 1)
  const type = code === A ? 'A' : code === SRV ? 'SRV' : 'Other'
  return { labels, type, octets: query.subarray(0, end) }
}

export function writeAnswer({ octets }: Question, answer: Answer): Buffer {
  const records = recordsOf(answer)
  const header = Buffer.alloc(HEADER)
  octets.copy(header, 0, 0, 2)
  header.writeUInt16BE(FLAGS | (octets.readUInt16BE(2) & RECURSION_DESIRED) | CODES[answer.kind], 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(records.length, 6)
  return Buffer.concat([header, octets.subarray(HEADER), ...records])
}

function recordsOf(answer: Answer): Buffer[] {
  if (answer.kind === 'Addresses')
    return answer.addresses.map((address) => record(A, Buffer.from(address.split('.').map(Number))))
  if (answer.kind === 'Servers') return answer.servers.map(({ port, target }) => record(SRV, server(port, target)))
  return []
}

function record(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt16BE(SAME_NAME, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(INTERNET, 4)
  head.writeUInt32BE(TIME_TO_LIVE, 6)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

/** Priority, weight, port, target. */
function server(port: number, target: string): Buffer {
  const numbers = Buffer.alloc(6)
  numbers.writeUInt16BE(port, 4)
  const labels = target.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]))
  return Buffer.concat([numbers, ...labels, Buffer.from([0])])
}
