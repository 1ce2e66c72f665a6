/** Makes one connection to a located peer, step by step: TCP, then TLS, then the WebSocket. What there is already it does not know. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as secure, type TLSSocket } from 'node:tls'
import type { Failure, PeerCertificate } from '../engine.ts'
import { type Channel, StreamChannel } from './channel.ts'
import type { Target } from './hop.ts'
import { certificateOf, clientOptions, isAlert, tlsDetail } from './tls.ts'
import { upgrade } from './websocket.ts'

/** TCP's own probes find a peer that is gone, and keep a firewall from forgetting the connection. Milliseconds before the first one. */
export const KEEP_ALIVE = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }

export type Step = 'Connect' | 'Tls' | 'Upgrade'

export type Connected = { channel: Channel; certificate: PeerCertificate | undefined }

export type ConnectOutcome =
  ({ kind: 'Connected' } & Connected) | Extract<Failure, { kind: 'ConnectFailed' | 'TlsFailed' }>

/** One under way; ending it settles `outcome` with `reason`. */
export interface Connecting {
  readonly outcome: Promise<ConnectOutcome>
  /** What it is at, for whoever must say what took too long. */
  readonly step: Step
  end(reason: string): void
}

/**
 * @param localAddress where it leaves from; undefined: wherever the kernel says
 * @param connected called when TCP is through, and the handshakes begin
 */
export function connectTo(target: Target, localAddress: string | undefined, connected: () => void): Connecting {
  const { host, port, transport } = target
  const local = localAddress === undefined ? {} : { localAddress }
  const socket = connect({ ...local, ...KEEP_ALIVE, host, port })
  let top: Socket = socket
  let step: Step = 'Connect'

  async function made(): Promise<ConnectOutcome> {
    await once(socket, 'connect')
    connected()
    let shown: TLSSocket | undefined
    if (transport === 'TLS' || transport === 'WSS') {
      step = 'Tls'
      shown = secure({ socket, ...clientOptions(target.tls, target.name ?? host) })
      top = shown
      await once(shown, 'secureConnect')
    }
    const certificate = shown && certificateOf(shown)
    if (transport === 'TCP' || transport === 'TLS') {
      return { kind: 'Connected', channel: new StreamChannel(top), certificate }
    }
    step = 'Upgrade'
    return { kind: 'Connected', channel: await upgrade(top, target), certificate }
  }

  function failed(error: unknown): ConnectOutcome {
    // An end without a word comes here as well.
    socket.destroy()
    top.on('error', () => {})
    if (step === 'Tls' || (error instanceof Error && isAlert(error)))
      return { kind: 'TlsFailed', detail: tlsDetail(error) }
    return { kind: 'ConnectFailed', detail: error instanceof Error ? error.message : String(error) }
  }

  return {
    outcome: made().catch(failed),
    get step() {
      return step
    },
    end: (reason) => top.destroy(new Error(reason)),
  }
}
