/** tshark as a reader of pcap files: fields of each record, as its dissectors see them without any option. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { commandPath } from './requirements.ts'

const run = promisify(execFile)

/** One row a record, with the fields as asked; what a record lacks is empty. */
export async function readPcap(path: string, fields: readonly string[]): Promise<Record<string, string>[]> {
  const { stdout } = await run(commandPath('tshark'), [
    ...['-r', path, '-T', 'fields', '-E', 'separator=/t', '-E', 'occurrence=f'],
    ...fields.flatMap((field) => ['-e', field]),
  ])
  const lines = stdout.split('\n').slice(0, -1)
  return lines.map((line) => {
    const values = line.split('\t')
    return Object.fromEntries(fields.map((field, index) => [field, values[index] ?? '']))
  })
}

/** One stream as `tshark -z rtp,streams` counts it. Times are milliseconds, printed with three digits. */
export interface RtpStream {
  ssrc: number
  packets: number
  lost: number
  delta: { min: number; mean: number; max: number }
  jitter: { mean: number; max: number }
}

/** @param port what is sent to it is RTP */
export async function rtpStreams(path: string, port: number): Promise<RtpStream[]> {
  const analysis = ['-q', '-r', path, '-d', `udp.port==${port},rtp`, '-z', 'rtp,streams']
  const { stdout } = await run(commandPath('tshark'), analysis)
  return [...stdout.matchAll(/ (0x[0-9A-F]{8}) +\S+ +(\d+) +(-?\d+) \([^)]+\) +([\d. ]+)/g)].map(
    ([, ssrc = '', packets = '', lost = '', times = '']) => {
      const [min = NaN, mean = NaN, max = NaN, , meanJitter = NaN, maxJitter = NaN] = times
        .trim()
        .split(/ +/)
        .map(Number)
      return {
        ssrc: Number(ssrc),
        packets: Number(packets),
        lost: Number(lost),
        delta: { min, mean, max },
        jitter: { mean: meanJitter, max: maxJitter },
      }
    },
  )
}
