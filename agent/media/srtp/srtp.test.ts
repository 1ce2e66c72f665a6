import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MOST_OVERHEAD, type SrtpOutcome, SrtpReceiver, SrtpSender, suiteNames } from './index.ts'
import { masterKey, rtcpPacket, rtpPacket, withMki } from './packets.fixture.ts'
import { deriveSessionKeys } from './session-keys.ts'
import { MOST_SOURCES } from './source-indices.ts'
import { suites } from './suites.ts'
import { transformOf } from './transforms.ts'

function pair(suite = suiteNames[0] ?? 'AEAD_AES_128_GCM', mki = Buffer.alloc(0)) {
  return { sender: new SrtpSender(masterKey(suite)), receiver: new SrtpReceiver(masterKey(suite), mki) }
}

function packetOf(outcome: SrtpOutcome): Buffer {
  if (outcome.kind !== 'Ok') throw new Error(outcome.reason)
  return outcome.packet
}

/** The protected packet in memory of its own, as it comes from a socket. */
function protect(sender: SrtpSender, packet: Buffer): Buffer {
  return packetOf(sender.protectRtp(packet, Buffer.alloc(packet.length + MOST_OVERHEAD)))
}

const refused = (reason: string) => ({ kind: 'Refused', reason })

describe.each(suiteNames)('%s', (suite) => {
  const { rtp, rtcp } = suites[suite].tagLength

  test('RTP comes back as it was, the header readable on its way, longer by its tag', () => {
    const { sender, receiver } = pair(suite)
    const packet = rtpPacket(7, 1000)
    const sealed = protect(sender, packet)
    expect(sealed).toHaveLength(packet.length + rtp)
    expect(sealed.subarray(0, 12)).toEqual(packet.subarray(0, 12))
    expect(sealed.includes(packet.subarray(12, 28))).toBe(false)
    expect(receiver.unprotectRtp(sealed)).toEqual({ kind: 'Ok', packet })
  })

  test('RTCP comes back as it was, longer by tag and index, and the index counts', () => {
    const { sender, receiver } = pair(suite)
    const packet = rtcpPacket(7)
    for (let index = 0; index < 3; index++) {
      const sealed = packetOf(sender.protectRtcp(packet))
      expect(sealed).toHaveLength(packet.length + rtcp + 4)
      expect(sealed.includes(Buffer.from('somebody'))).toBe(false)
      expect(receiver.unprotectRtcp(sealed)).toEqual({ kind: 'Ok', packet })
    }
  })

  test('any payload, CSRCs and extension come back', () => {
    const shape = fc.record({
      payload: fc.uint8Array({ maxLength: 1_500 }),
      contributors: fc.integer({ min: 0, max: 15 }),
      extension: fc.option(fc.integer({ min: 0, max: 8 })),
    })
    const { sender, receiver } = pair(suite)
    let sequenceNumber = 0
    fc.assert(
      fc.property(shape, ({ payload, contributors, extension }) => {
        const words = contributors + (extension === null ? 0 : 1 + extension)
        const packet = Buffer.concat([rtpPacket(7, sequenceNumber++, 4 * words), payload])
        packet[0] = 0x80 | (extension === null ? 0 : 0x10) | contributors
        if (extension !== null) packet.writeUInt16BE(extension, 12 + 4 * contributors + 2)
        const sealed = protect(sender, packet)
        expect(sealed.subarray(0, 12 + 4 * words)).toEqual(packet.subarray(0, 12 + 4 * words))
        expect(receiver.unprotectRtp(sealed)).toEqual({ kind: 'Ok', packet })
      }),
    )
  })

  test('packets lost, late and twice, across gaps and wraps of the sequence number: each comes back once, as it was', () => {
    const burst = fc.array(fc.record({ step: fc.integer({ min: 1, max: 9 }), delay: fc.nat(99), lost: fc.boolean() }), {
      minLength: 30,
      maxLength: 100,
    })
    fc.assert(
      fc.property(fc.nat(65_535), fc.array(burst, { minLength: 3, maxLength: 5 }), (first, bursts) => {
        const { sender, receiver } = pair(suite)
        const outcomes = new Set<string>()
        let index = first
        const sealed = (late: number, lost: boolean) => {
          const packet = rtpPacket(7, index % 65_536, 20)
          return { packet, sealed: protect(sender, packet), late, lost }
        }
        const receive = (packet: Buffer, bytes: Buffer): void => {
          const again = Buffer.from(bytes)
          const outcome = receiver.unprotectRtp(bytes)
          outcomes.add(outcome.kind === 'Ok' && outcome.packet.equals(packet) ? 'as it was' : JSON.stringify(outcome))
          const second = receiver.unprotectRtp(again)
          outcomes.add(second.kind === 'Refused' ? second.reason : 'twice')
        }
        // Nothing overtakes the first packet of all: from it the receiver counts.
        const start = sealed(0, false)
        receive(start.packet, start.sealed)
        for (const packets of bursts) {
          index += 30_000
          const sent = packets.map(({ step, delay, lost }, position) => {
            index += step
            return sealed(position + delay, lost)
          })
          const arrived = sent.filter(({ lost }) => !lost).toSorted((left, right) => left.late - right.late)
          for (const each of arrived) receive(each.packet, each.sealed)
        }
        expect([...outcomes]).toEqual(['as it was', 'Replay'])
      }),
      { numRuns: 25 },
    )
  })

  test('a changed bit anywhere is refused, of RTP and of RTCP', () => {
    const { sender, receiver } = pair(suite)
    const sealed = { rtp: protect(sender, rtpPacket(7, 5, 16)), rtcp: packetOf(sender.protectRtcp(rtcpPacket(7))) }
    const accepted: string[] = []
    for (let bit = 0; bit < 8 * sealed.rtp.length; bit++) {
      if (receiver.unprotectRtp(flipped(sealed.rtp, bit)).kind === 'Ok') accepted.push(`RTP ${bit}`)
    }
    for (let bit = 0; bit < 8 * sealed.rtcp.length; bit++) {
      if (receiver.unprotectRtcp(flipped(sealed.rtcp, bit)).kind === 'Ok') accepted.push(`RTCP ${bit}`)
    }
    expect(accepted).toEqual([])
    expect(receiver.unprotectRtp(sealed.rtp).kind).toBe('Ok')
    expect(receiver.unprotectRtcp(sealed.rtcp).kind).toBe('Ok')
  })

  test('a packet of one round of sequence numbers is none of another', () => {
    using transform = transformOf(suite, 'RTP', deriveSessionKeys(masterKey(suite), 'RTP'))
    const packet = Buffer.concat([rtpPacket(7, 5), Buffer.alloc(transform.overhead)])
    transform.seal(packet, 12, { ssrc: 7, rollover: 1, sequenceNumber: 5 })
    expect(transform.open(packet, 12, { ssrc: 7, rollover: 2, sequenceNumber: 5 })).toBe(false)
    expect(transform.open(packet, 12, { ssrc: 7, rollover: 1, sequenceNumber: 5 })).toBe(true)
    expect(packet.subarray(0, 172)).toEqual(rtpPacket(7, 5))
  })

  test('a packet of another key is refused and leaves no trace', () => {
    using other = new SrtpSender(masterKey(suite, 2))
    const { sender, receiver } = pair(suite)
    const forged = protect(other, rtpPacket(7, 40_000))
    const before = Buffer.from(forged)
    expect(receiver.unprotectRtp(forged)).toEqual(refused('Authentication'))
    expect(forged).toEqual(before)
    expect(receiver.unprotectRtcp(packetOf(other.protectRtcp(rtcpPacket(7))))).toEqual(refused('Authentication'))
    expect(receiver.refusals).toMatchObject({ Authentication: 2, Replay: 0 })
    expect(receiver.unprotectRtp(protect(sender, rtpPacket(7, 3))).kind).toBe('Ok')
  })

  test('the MKI of the peer is taken off, another one refused', () => {
    const { sender, receiver } = pair(suite, Buffer.from([0, 1]))
    const [mki, other] = [Buffer.of(0, 1), Buffer.of(0, 2)]
    const packets = [rtpPacket(7, 1), rtpPacket(7, 2)].map((packet) => ({ packet, sealed: protect(sender, packet) }))
    for (const { packet, sealed } of packets) {
      expect(receiver.unprotectRtp(withMki(sealed, suite, 'RTP', other))).toEqual(refused('UnknownKey'))
      expect(receiver.unprotectRtp(withMki(sealed, suite, 'RTP', mki))).toEqual({ kind: 'Ok', packet })
    }
    const report = packetOf(sender.protectRtcp(rtcpPacket(7)))
    expect(receiver.unprotectRtcp(withMki(report, suite, 'RTCP', mki))).toEqual({ kind: 'Ok', packet: rtcpPacket(7) })
  })

  test('after the keys are forgotten everything is refused', () => {
    const { sender, receiver } = pair(suite)
    const sealed = protect(sender, rtpPacket(7, 1))
    sender[Symbol.dispose]()
    receiver[Symbol.dispose]()
    expect(sender.protectRtp(rtpPacket(7, 2), Buffer.alloc(200))).toEqual(refused('Disposed'))
    expect(sender.protectRtcp(rtcpPacket(7))).toEqual(refused('Disposed'))
    expect(receiver.unprotectRtp(sealed)).toEqual(refused('Disposed'))
    expect(receiver.unprotectRtcp(sealed)).toEqual(refused('Disposed'))
    expect(receiver.refusals.Disposed).toBe(2)
  })

  test('what is not needed of the session keys is overwritten at once, the rest when they are forgotten', () => {
    const keys = deriveSessionKeys(masterKey(suite), 'RTP')
    const transform = transformOf(suite, 'RTP', keys)
    const overwritten = (secret: Buffer) => secret.every((octet) => octet === 0)
    expect([keys.encryption, keys.authentication, keys.salt].map(overwritten)).toEqual([true, true, false])
    transform[Symbol.dispose]()
    expect(overwritten(keys.salt)).toBe(true)
  })

  test('a key of another length is an error', () => {
    const master = { ...masterKey(suite), key: Buffer.alloc(15) }
    expect(() => new SrtpSender(master)).toThrow(RangeError)
    expect(() => new SrtpReceiver(master)).toThrow(RangeError)
  })
})

describe('sources', () => {
  test('each SSRC has its own rollover counter and its own window', () => {
    const { sender, receiver } = pair()
    for (const sequenceNumber of [65_534, 65_535, 0, 1]) {
      for (const ssrc of [1, 2, 0xffff_ffff]) {
        const packet = rtpPacket(ssrc, sequenceNumber)
        expect(receiver.unprotectRtp(protect(sender, packet))).toEqual({ kind: 'Ok', packet })
      }
    }
    const late = rtpPacket(3, 9)
    expect(receiver.unprotectRtp(protect(sender, late))).toEqual({ kind: 'Ok', packet: late })
  })

  test('there is room for 64, and forgers take none of it', () => {
    const { sender, receiver } = pair()
    using forger = new SrtpSender(masterKey('AES_CM_128_HMAC_SHA1_80', 2))
    for (let ssrc = 0; ssrc < MOST_SOURCES; ssrc++) {
      expect(receiver.unprotectRtp(protect(forger, rtpPacket(1000 + ssrc, 1)))).toEqual(refused('Authentication'))
    }
    using others = new SrtpSender(masterKey('AES_CM_128_HMAC_SHA1_80'))
    const foreign = protect(others, rtpPacket(MOST_SOURCES, 1))
    for (let ssrc = 0; ssrc < MOST_SOURCES; ssrc++) {
      expect(receiver.unprotectRtp(protect(sender, rtpPacket(ssrc, 1))).kind).toBe('Ok')
    }
    expect(receiver.unprotectRtp(foreign)).toEqual(refused('TooManySources'))
    expect(sender.protectRtp(rtpPacket(MOST_SOURCES, 1), Buffer.alloc(200))).toEqual(refused('TooManySources'))
    expect(receiver.unprotectRtp(protect(sender, rtpPacket(5, 2))).kind).toBe('Ok')
  })
})

describe('what is refused before any key is used', () => {
  test('RTP and RTCP that are too short, malformed or not encrypted', () => {
    const { sender, receiver } = pair()
    expect(receiver.unprotectRtp(Buffer.alloc(0))).toEqual(refused('TooShort'))
    expect(receiver.unprotectRtp(rtpPacket(7, 1, 9))).toEqual(refused('TooShort'))
    expect(receiver.unprotectRtcp(Buffer.alloc(21, 0x80))).toEqual(refused('TooShort'))
    expect(receiver.unprotectRtp(Buffer.alloc(100))).toEqual(refused('Malformed'))
    expect(receiver.unprotectRtp(Buffer.alloc(100, 0x9f))).toEqual(refused('Malformed'))
    const plain = packetOf(sender.protectRtcp(rtcpPacket(7)))
    const word = plain.length - 14
    plain.writeUInt8(0, word)
    expect(receiver.unprotectRtcp(plain)).toEqual(refused('NotEncrypted'))
    expect(sender.protectRtp(Buffer.alloc(11), Buffer.alloc(100))).toEqual(refused('TooShort'))
    expect(sender.protectRtp(Buffer.alloc(50), Buffer.alloc(100))).toEqual(refused('Malformed'))
    expect(sender.protectRtcp(Buffer.alloc(7))).toEqual(refused('TooShort'))
    expect(sender.protectRtcp(Buffer.alloc(8))).toEqual(refused('Malformed'))
    expect(receiver.refusals).toMatchObject({ TooShort: 3, Malformed: 2, NotEncrypted: 1, Authentication: 0 })
  })

  test('a sequence number that we used already: two packets would share a keystream', () => {
    const { sender } = pair()
    protect(sender, rtpPacket(7, 1))
    expect(sender.protectRtp(rtpPacket(7, 1), Buffer.alloc(200))).toEqual(refused('Replay'))
    expect(sender.refusals.Replay).toBe(1)
  })

  test('room that is too small is an error, and uses up no index', () => {
    const { sender } = pair()
    expect(() => sender.protectRtp(rtpPacket(7, 1), Buffer.alloc(172))).toThrow(RangeError)
    expect(sender.protectRtp(rtpPacket(7, 1), Buffer.alloc(182)).kind).toBe('Ok')
  })
})

test('a packet is protected in its own memory', () => {
  const { sender, receiver } = pair()
  const memory = Buffer.alloc(200)
  const packet = rtpPacket(7, 1)
  packet.copy(memory)
  const sealed = packetOf(sender.protectRtp(memory.subarray(0, packet.length), memory))
  expect(sealed.buffer).toBe(memory.buffer)
  expect(receiver.unprotectRtp(sealed)).toEqual({ kind: 'Ok', packet })
})

function flipped(packet: Buffer, bit: number): Buffer {
  const copy = Buffer.from(packet)
  copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
  return copy
}
