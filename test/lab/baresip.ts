/** A real baresip that answers each call at once and sends a 440 Hz tone with RTP and RTCP, without sound hardware. */
import { writeFileSync } from 'node:fs'
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
}

export interface Baresip extends AsyncDisposable {
  readonly host: '127.0.0.1'
  /** UDP and TCP. */
  readonly port: number
  /** Where it is called without a registrar. */
  readonly uri: string
  readonly pid: number
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
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(temporaryFolder('baresip')).path
  const [port, rtpPort] = [await freePort(), await freeRtpPorts(RTP_PORTS)]
  const account =
    registrar === undefined
      ? `<sip:${user}@127.0.0.1:${port}>;regint=0`
      : `<sip:${user}@${registrar};transport=${transport}>;auth_user=${user};auth_pass=${password};regint=60`
  writeFileSync(join(folder, 'accounts'), `${account};answermode=auto\n`)
  writeFileSync(join(folder, 'contacts'), '')
  writeFileSync(join(folder, 'config'), configuration(port, rtpPort))

  const child = await start({
    command: 'baresip',
    arguments: ['-4', '-f', folder],
    folder,
    ready: async (log) =>
      (registrar === undefined || /200 OK .*\[\d+ bindings?\]/.test(log)) && (await answersOptions(port)),
  })
  stack.use(child)
  const owned = stack.move()
  return {
    host: '127.0.0.1',
    port,
    uri: `sip:${user}@127.0.0.1:${port}`,
    pid: child.pid,
    stop: async () => void (await child.stop()),
    kill: async () => void (await child.kill()),
    log: () => child.log(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The sine source can only do 48 kHz stereo; baresip resamples it to what the codec wants. */
function configuration(port: number, rtpPort: number): string {
  return `sip_listen 127.0.0.1:${port}
net_interface 127.0.0.1
rtp_ports ${rtpPort}-${rtpPort + RTP_PORTS - 1}
module_path ${MODULES}
module g711.so
module ausine.so
module_app account.so
module_app menu.so
audio_source ausine,440
ausrc_srate 48000
ausrc_channels 2
`
}
