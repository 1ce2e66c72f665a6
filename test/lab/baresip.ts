/** A real baresip that answers each call at once and sends a 440 Hz tone, or what it hears, with RTP and RTCP, without sound hardware; told to, it calls, holds and transfers. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePort, freeRtpPorts } from './ports.ts'
import { start, temporaryFolder } from './process.ts'
import { answersOptions } from './sip.ts'

export interface BaresipOptions {
  /** Default `baresip`. */
  readonly user?: string
  /** `host:port` of a registrar; baresip is registered there when it is returned. Default: none, it is called at its own port. */
  readonly registrar?: string
  /** Default `pw-` and the user. */
  readonly password?: string
  /** To the registrar. Default udp. */
  readonly transport?: 'udp' | 'tcp'
  /** How it wants to encrypt media: SDES keys under RTP/AVP, under RTP/SAVP, or DTLS. Default: not at all. */
  readonly encryption?: 'srtp' | 'srtp-mand' | 'dtls_srtp'
  /** Modules of the codecs that it has. Default: g711. */
  readonly codecs?: ReadonlyArray<'g711' | 'g722' | 'opus'>
  /** `Echo`: it decodes what it hears and encodes it again, which only one call at a time can have. Default: a tone. */
  readonly sends?: 'Tone' | 'Echo'
  /** It shows video of that codec, a test picture of 352x288 at 15 frames a second. Default: none. */
  readonly video?: 'VP8' | 'H264'
  /** A folder for a WAV file of what it heard, decoded, and one of what it sent. Default: it keeps nothing. */
  readonly records?: string
  /** It gathers ICE candidates. Default false. */
  readonly ice?: boolean
  /** Where it listens, without a registrar. Default 127.0.0.1. */
  readonly host?: '127.0.0.1' | '::1'
}

export interface Baresip extends AsyncDisposable {
  readonly host: '127.0.0.1' | '::1'
  /** UDP and TCP. */
  readonly port: number
  /** Where it is called without a registrar. */
  readonly uri: string
  readonly pid: number
  /** One of its commands, by their long names: `dial`, `hold`, `resume`, `transfer`, `hangup`. @throws when it has no such command now */
  command(name: string, parameters?: string): Promise<void>
  /** SIGTERM: it hangs up and unregisters. */
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
  log(): string
}

const MODULES = '/usr/lib/baresip/modules'

/** RTP and RTCP of ten calls at once. */
const RTP_PORTS = 20

export async function baresip(options: BaresipOptions = {}): Promise<Baresip> {
  const { user = 'baresip', registrar, password = `pw-${user}`, transport = 'udp' } = options
  const { encryption, ice = false, codecs = ['g711'], sends = 'Tone', host = '127.0.0.1', records, video } = options
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(temporaryFolder('baresip')).path
  const [port, control, rtpPort] = [await freePort(), await freePort(), await freeRtpPorts(RTP_PORTS)]
  const address = `${host === '::1' ? '[::1]' : host}:${port}`
  const account =
    registrar === undefined
      ? `<sip:${user}@${address}>;regint=0`
      : `<sip:${user}@${registrar};transport=${transport}>;auth_user=${user};auth_pass=${password};regint=60`
  const media = `${encryption ? `;mediaenc=${encryption}` : ''}${ice ? ';medianat=ice' : ''}`
  writeFileSync(join(folder, 'accounts'), `${account};answermode=auto${media}\n`)
  writeFileSync(join(folder, 'contacts'), '')
  writeFileSync(
    join(folder, 'config'),
    configuration({ host, address, control, rtpPort, codecs, sends, records, video }),
  )

  const child = await start({
    command: 'baresip',
    arguments: [host === '::1' ? '-6' : '-4', '-f', folder],
    folder,
    ready: async (log) =>
      (registrar === undefined || /200 OK .*\[\d+ bindings?\]/.test(log)) && (await answersOptions(port, host)),
  })
  stack.use(child)
  const owned = stack.move()
  return {
    host,
    port,
    uri: `sip:${user}@${address}`,
    pid: child.pid,
    command: (name, parameters = '') => send(control, name, parameters),
    stop: async () => void (await child.stop()),
    kill: async () => void (await child.kill()),
    log: () => child.log(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Its control protocol: JSON in netstrings over TCP, with events of its own in between. */
async function send(port: number, command: string, params: string): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  try {
    const message = JSON.stringify({ command, params, token: 'lab' })
    socket.write(`${Buffer.byteLength(message)}:${message},`)
    let received = ''
    while (!received.includes('"response":true')) {
      const [chunk] = await once(socket, 'data', { signal: AbortSignal.timeout(5_000) })
      received += String(chunk)
    }
    if (!received.includes('"ok":true')) throw new Error(`baresip: ${command} ${params}: ${received}`)
  } finally {
    socket.destroy()
  }
}

type Configured = Required<Pick<BaresipOptions, 'codecs' | 'sends' | 'host'>> &
  Record<'control' | 'rtpPort', number> & {
    address: string
    records: string | undefined
    video: BaresipOptions['video']
  }

/** The sine source can only do 48 kHz stereo; baresip resamples it to what the codec wants. */
const TONE = `audio_source ausine,440
ausrc_srate 48000
ausrc_channels 2
`

/**
 * What it would play is its source. Without a device of its own to play on, the module takes no call. It plays a packet when it has
 * 200 ms: with its default of 20 ms each packet that is a little late on a busy machine leaves a gap, and moves all that comes after it.
 */
const ECHO = `audio_buffer 200-1000
module aubridge.so
audio_player aubridge,echo
audio_source aubridge,echo
`

const PICTURE = `module fakevideo.so
video_source fakevideo,nil
video_display fakevideo,nil
video_size 352x288
video_fps 15
video_bitrate 300000
`

/** H.264 comes from a package of its own. */
const VIDEO = { VP8: `module vp8.so\n${PICTURE}`, H264: `module avcodec.so\n${PICTURE}` } as const

function configuration({ host, address, control, rtpPort, codecs, sends, records, video }: Configured): string {
  return `sip_listen ${address}
net_interface ${host}
rtp_ports ${rtpPort}-${rtpPort + RTP_PORTS - 1}
module_path ${MODULES}
rtcp_mux yes
${codecs.map((codec) => `module ${codec}.so\n`).join('')}${records === undefined ? '' : `module sndfile.so\nsnd_path ${records}\n`}module ausine.so
${video === undefined ? '' : VIDEO[video]}module srtp.so
module dtls_srtp.so
module ice.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:${control}
${sends === 'Echo' ? ECHO : TONE}`
}
