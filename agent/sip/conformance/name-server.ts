/** A name server for tests: SRV and A records over one UDP socket (RFC 1035 4, RFC 2782). It knows what it is given, and answers nobody else's questions. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

export interface NameServer extends AsyncDisposable {
  /** For `nameServers`. */
  readonly address: string
  /** SRV of `_sip._udp.NAME` or `_sip._tcp.NAME`: servers by falling preference, each with an address of its own. */
  servers(name: string, transport: 'udp' | 'tcp', ports: readonly number[]): void
  addresses(name: string, addresses: readonly string[]): void
}

const HEADER = 12
const [A, SRV] = [1, 33]
const NO_ERROR = 0x8580
const NO_SUCH_NAME = 0x8583

export async function nameServer(): Promise<NameServer> {
  /** Record data by type and name. */
  const records = new Map<string, Buffer[]>()
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => socket.send(answer(query, records), port, address))
  const listening = once(socket, 'listening')
  socket.bind(0, '127.0.0.1')
  await listening

  const addresses = (name: string, list: readonly string[]): void => {
    const bytes = list.map((each) => Buffer.from(each.split('.').map(Number)))
    records.set(`${A} ${name}`, bytes)
  }
  return {
    address: `127.0.0.1:${socket.address().port}`,
    addresses,
    servers(name, transport, ports) {
      const data = ports.map((port, priority) => {
        const host = `s${priority}.${name}`
        addresses(host, ['127.0.0.1'])
        const numbers = Buffer.alloc(6)
        numbers.writeUInt16BE(priority, 0)
        numbers.writeUInt16BE(port, 4)
        return Buffer.concat([numbers, encoded(host)])
      })
      records.set(`${SRV} _sip._${transport}.${name}`, data)
    },
    async [Symbol.asyncDispose]() {
      const closed = once(socket, 'close')
      socket.close()
      await closed
    },
  }
}

/**
 *     header (12): ID, flags, four counts | question: name, type (2), class (2) | answers: name, type, class, TTL (4), length (2), data
 */
function answer(query: Buffer, records: ReadonlyMap<string, Buffer[]>): Buffer {
  const labels: string[] = []
  let offset = HEADER
  for (let length = query[offset] ?? 0; length > 0; length = query[offset] ?? 0) {
    labels.push(query.toString('latin1', offset + 1, offset + 1 + length))
    offset += 1 + length
  }
  const type = query.readUInt16BE(offset + 1)
  const question = query.subarray(HEADER, offset + 5)
  const found = records.get(`${type} ${labels.join('.').toLowerCase()}`) ?? []
  const header = Buffer.alloc(HEADER)
  query.copy(header, 0, 0, 2)
  header.writeUInt16BE(found.length > 0 ? NO_ERROR : NO_SUCH_NAME, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(found.length, 6)
  const answers = found.map((data) => {
    const fixed = Buffer.alloc(6)
    fixed.writeUInt32BE(60, 0)
    fixed.writeUInt16BE(data.length, 4)
    return Buffer.concat([question, fixed, data])
  })
  return Buffer.concat([header, question, ...answers])
}

function encoded(name: string): Buffer {
  return Buffer.concat([
    ...name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.from([0]),
  ])
}
