/** Receivers of SRTP and SRTCP that know the keys, and packets under them to be mutated: whatever of those is accepted is forged. */
import { MOST_OVERHEAD, type RefusalReason, SrtpReceiver, SrtpSender, suiteNames } from '../srtp/index.ts'
import { masterKey, rtcpPacket, rtpPacket, withMki } from '../srtp/packets.fixture.ts'
import type { SuiteName } from '../srtp/suites.ts'

export interface SrtpTarget {
  readonly name: string
  /** Of these none is received before: each change of one must be refused. */
  readonly genuine: readonly Buffer[]
  /** Undefined: `packet` is one of the genuine ones. @throws when it was accepted though nobody who has the key made it */
  readonly refuse: (packet: Buffer) => RefusalReason | undefined
}

/** Whole packets to mutate, of each kind and suite. */
const SEEDS = 20

/** Of each suite RTP and RTCP, with an MKI and without. */
export function srtpTargets(): SrtpTarget[] {
  return suiteNames.flatMap((suite) => [...targetsOf(suite, Buffer.alloc(0)), ...targetsOf(suite, Buffer.of(0, 9))])
}

function targetsOf(suite: SuiteName, mki: Buffer): SrtpTarget[] {
  const receiver = new SrtpReceiver(masterKey(suite), mki)
  using sender = new SrtpSender(masterKey(suite))
  const rtp: Buffer[] = []
  const rtcp: Buffer[] = []
  for (let index = 0; index < SEEDS; index++) {
    const packet = rtpPacket(7, (65_530 + index) % 65_536, 20 * (index % 9))
    const sealed = sender.protectRtp(packet, Buffer.alloc(packet.length + MOST_OVERHEAD))
    if (sealed.kind === 'Ok') rtp.push(withMki(sealed.packet, suite, 'RTP', mki))
    const report = sender.protectRtcp(rtcpPacket(7))
    if (report.kind === 'Ok') rtcp.push(withMki(report.packet, suite, 'RTCP', mki))
  }
  const target = (protocol: 'RTP' | 'RTCP', genuine: readonly Buffer[]): SrtpTarget => ({
    ...{ name: `${suite} ${protocol}`, genuine },
    refuse(packet) {
      if (genuine.some((each) => each.equals(packet))) return undefined
      const outcome = protocol === 'RTP' ? receiver.unprotectRtp(packet) : receiver.unprotectRtcp(packet)
      if (outcome.kind === 'Ok') throw new Error('a forged packet was accepted')
      return outcome.reason
    },
  })
  return [target('RTP', rtp), target('RTCP', rtcp)]
}
