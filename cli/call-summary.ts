/** The result of one call as people and as scripts read it: what was agreed on, every figure with what it rests on, what was noticed. It judges nothing. */
import type { CallResult } from '../agent/index.ts'
import { findings, metrics } from '../crds/index.ts'
import type { MetricKey } from '../crds/index.ts'
import { metricGroups } from '../crds/metrics.ts'
import type { Judgement } from '../operator/probes/health.ts'
import { table } from './output.ts'

/** What a measured value rests on; without it a figure is not quotable. */
export interface Basis extends Partial<NonNullable<CallResult['mosBasis']>> {
  unit: string
  source: string
}

/** The figures that a model makes, whose basis is that of the MOS. */
const MODELLED: ReadonlySet<MetricKey> = new Set(['mos', 'rFactor', 'mosLow'])
/** Those that the model of the jitter buffer makes. */
const BUFFERED = new Set(Object.keys(metricGroups['Jitter buffer']))

/** Of every metric that was measured. */
export function basisOf({ metrics: measured, mosBasis }: CallResult): Partial<Record<MetricKey, Basis>> {
  const keys = Object.keys(measured) as MetricKey[]
  return Object.fromEntries(
    keys.map((key) => {
      const { unit, source } = metrics[key]
      const buffer = BUFFERED.has(key) && mosBasis ? { jitterBuffer: mosBasis.jitterBuffer } : {}
      return [key, { unit, source, ...(MODELLED.has(key) ? mosBasis : buffer) }]
    }),
  )
}

export function callSummary(result: CallResult, judgement: Judgement): string {
  return [
    table(['CALL', ''], callRows(result)),
    figures(result, judgement),
    ...(result.findings.length > 0 ? [table(['FINDING', ''], findingRows(result))] : []),
  ].join('\n')
}

type Row = readonly [title: string, value: string | undefined]

function callRows(result: CallResult): string[][] {
  const rows = [...signallingRows(result), ...mediaRows(result), ...modelRows(result)]
  return rows.flatMap(([title, value]) => (value === undefined ? [] : [[title, value]]))
}

function signallingRows({ sip, remote, userAgent, failureClass }: CallResult): Row[] {
  const where = remote && `${remote.host}:${remote.port} ${remote.transport}`
  const farSide = [where, userAgent].filter((each) => each !== undefined)
  return [
    ['Answer', sip && `${sip.code} ${sip.reason}`.trimEnd()],
    ['Failure', failureClass],
    ['Far side', farSide.length > 0 ? farSide.join(', ') : undefined],
  ]
}

function mediaRows({ media, digits }: CallResult): Row[] {
  if (!media) return []
  return [
    ['Codec', media.codec],
    ['Encryption', encryptionOf(media)],
    ['Video', media.video && `${media.video.codec}, encryption ${encryptionOf(media.video)}`],
    ['ICE', media.ice && iceOf(media.ice)],
    ['RTCP', media.rtcpMux ? 'on the port of RTP' : 'on a port of its own'],
    ['Digits heard', digits?.map(({ digit }) => digit).join('')],
  ]
}

type Agreed = NonNullable<CallResult['media']>

function encryptionOf({ suite, dtls }: Pick<Agreed, 'suite' | 'dtls'>): string {
  if (suite === undefined) return 'none'
  return dtls ? `SRTP, ${suite}, by DTLS in ${Math.round(dtls.handshakeTime)} ms` : `SRTP, ${suite}`
}

function iceOf({ local, remote, gatheringTime, connectTime, problems }: NonNullable<Agreed['ice']>): string {
  const times = `gathered in ${Math.round(gatheringTime)} ms, connected in ${Math.round(connectTime)} ms`
  return [`${local} to ${remote}, ${times}`, ...problems].join('; ')
}

function modelRows({ mosBasis }: CallResult): Row[] {
  if (!mosBasis) return []
  return [
    ['MOS model', `${mosBasis.model}, ${mosBasis.codec}`],
    ['Jitter buffer', mosBasis.jitterBuffer],
    ['Delay', mosBasis.delayBasis],
    ['Assumed', mosBasis.assumed?.join('; ')],
  ]
}

/** Every metric that was measured, by group; breaches marked with their level. */
function figures({ metrics: measured }: CallResult, { breaches }: Judgement): string {
  const groups = Object.entries(metricGroups).flatMap(([title, group]) => {
    const rows = (Object.keys(group) as MetricKey[]).flatMap((key) => {
      const value = measured[key]
      if (value === undefined) return []
      const breach = breaches.find(({ metric }) => metric === key)
      const mark = breach ? `${breach.level}, bound ${breach.threshold}` : ''
      return [[metrics[key].title, `${Number(value.toFixed(3))} ${unitOf(key)}`.trim(), mark]]
    })
    return rows.length === 0 ? [] : [[title.toUpperCase(), '', ''], ...rows, ['', '', '']]
  })
  return groups.length === 0 ? 'Nothing was measured.\n' : table(groups[0] ?? [], groups.slice(1, -1))
}

function findingRows({ findings: found }: CallResult): string[][] {
  return found.map((finding) => [finding, `${findings[finding].sentence} ${findings[finding].remedy}`])
}

/** Units that say no more than the title. */
const UNSPOKEN: ReadonlySet<string> = new Set(['count', 'code', 'MOS', 'R', 'packets'])

const unitOf = (key: MetricKey): string => (UNSPOKEN.has(metrics[key].unit) ? '' : metrics[key].unit)
