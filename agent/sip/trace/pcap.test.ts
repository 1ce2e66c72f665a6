import { describe, expect, test } from 'vitest'
import type { LadderMessage } from './ladder.ts'
import { renderPcap } from './pcap.ts'

const TEXT = 'OPTIONS sip:bob@example.com SIP/2.0\r\n\r\n'

function message(changes: Partial<LadderMessage> = {}): LadderMessage {
  const at = 1_700_000_000_000.25
  return {
    ...{ at, direction: 'Out', transport: 'UDP', local: '192.0.2.1:5062', remote: '192.0.2.2:5060', text: TEXT },
    ...changes,
  }
}

interface Record {
  microseconds: number
  /** By number, as hexadecimal. */
  tags: Map<number, string>
  text: string
}

/** As another program would read it: by the lengths alone. */
function read(pcap: Buffer): Record[] {
  expect([pcap.readUInt32LE(0), pcap.readUInt16LE(4), pcap.readUInt16LE(6)]).toEqual([0xa1b2c3d4, 2, 4])
  expect(pcap.readUInt32LE(20)).toBe(252)
  const records: Record[] = []
  for (let start = 24; start < pcap.length;) {
    const length = pcap.readUInt32LE(start + 8)
    expect(pcap.readUInt32LE(start + 12)).toBe(length)
    const content = pcap.subarray(start + 16, start + 16 + length)
    const tags = new Map<number, string>()
    let place = 0
    for (; content.readUInt16BE(place) !== 0; place += 4 + content.readUInt16BE(place + 2))
      tags.set(
        content.readUInt16BE(place),
        content.toString('hex', place + 4, place + 4 + content.readUInt16BE(place + 2)),
      )
    records.push({
      microseconds: pcap.readUInt32LE(start) * 1_000_000 + pcap.readUInt32LE(start + 4),
      tags,
      text: content.toString('utf8', place + 4),
    })
    start += 16 + length
  }
  return records
}

describe('a pcap file', () => {
  test('has each message with its text, its time and its way', () => {
    const text = `${TEXT}ü`
    const [sent, received] = read(renderPcap({ messages: [message(), message({ direction: 'In', text })] }))
    expect(sent?.microseconds).toBe(1_700_000_000_000_250)
    expect(sent?.text).toBe(TEXT)
    expect(received?.text).toBe(text)
    const [ours, theirs] = [
      ['c0000201', '000013c6'],
      ['c0000202', '000013c4'],
    ]
    expect([20, 25].map((tag) => sent?.tags.get(tag))).toEqual(ours)
    expect([21, 26].map((tag) => sent?.tags.get(tag))).toEqual(theirs)
    expect([20, 25].map((tag) => received?.tags.get(tag))).toEqual(theirs)
    expect(Buffer.from(sent?.tags.get(12) ?? '', 'hex').toString()).toBe('sip\0')
  })

  test.each([
    ['UDP', '00000003'],
    ['TCP', '00000002'],
    ['TLS', '00000002'],
    ['WSS', '00000002'],
  ] as const)('says that %s has ports of type %s', (transport, type) => {
    expect(read(renderPcap({ messages: [message({ transport })] }))[0]?.tags.get(24)).toBe(type)
  })

  test.each([
    ['::1', '00000000000000000000000000000001'],
    ['2001:db8::', '20010db8000000000000000000000000'],
    ['2001:db8:1:2:3:4:5:6', '20010db8000100020003000400050006'],
    ['fe80::1%eth0', 'fe800000000000000000000000000001'],
    ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
  ])('writes %s as 16 octets', (host, octets) => {
    const [only] = read(renderPcap({ messages: [message({ remote: `[${host}]:5060` })] }))
    expect(only?.tags.get(23)).toBe(octets)
    expect(only?.tags.get(26)).toBe('000013c4')
  })

  test('leaves out an address that is a name', () => {
    const [only] = read(renderPcap({ messages: [message({ remote: 'sip.example.com:5060' })] }))
    expect([...(only?.tags.keys() ?? [])]).toEqual([12, 25, 20, 26, 24])
  })

  test('is in the order of time, with the distances of the monotonic clock', () => {
    const [first, second] = read(
      renderPcap({
        messages: [
          message({ at: 1000, monotonic: 512.5, text: 'B' }),
          message({ at: 1001, monotonic: 500, text: 'A' }),
        ],
      }),
    )
    expect([first, second].map((each) => [each?.text, each?.microseconds])).toEqual([
      ['A', 1_001_000],
      ['B', 1_013_500],
    ])
  })

  test('of nothing is a file without records', () => {
    expect(read(renderPcap({ messages: [] }))).toEqual([])
  })
})
