/** The engine Native: our own SIP user agent over all transports, put together from the layers beside this file. */
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import { advertised, LocalAddresses } from './transport/addresses.ts'
import { Locator } from './locate/locator.ts'
import { systemNames } from './locate/names.ts'
import { respondOnce } from './transport/build.ts'
import type { Core } from './core.ts'
import type { SignallingEngine, Transport } from './engine.ts'
import type { Flow } from './transport/flow.ts'
import { Identifiers } from './message/identifiers.ts'
import { LIMITS, type Limits, noRefusals } from './limits.ts'
import type { Request } from './message/message.ts'
import { MessageCounter } from './transport/message-counter.ts'
import { Dialogs } from './session/dialogs.ts'
import { sendOptions } from './session/options.ts'
import { OutgoingInvite } from './session/outgoing-invite.ts'
import { register } from './session/registration.ts'
import { TimerWheel } from './transaction/timer-wheel.ts'
import { TransactionLayer } from './transaction/layer.ts'
import type { PortRange } from './transport/bind.ts'
import type { Identity } from './transport/tls.ts'
import { bindTransports } from './transport/transports.ts'
import { UserAgentServer } from './session/user-agent-server.ts'

export interface NativeOptions {
  clock: Clock
  random: Random
  /** IP address to bind; `0.0.0.0` and `::` are all of them. */
  host: string
  /** IP address under which peers reach us, at the same ports: for Contact, and for whoever writes a session description. Default: ours. */
  externalAddress?: string
  /** UDP and TCP are always bound, TLS, WS and WSS when they are named here; 0, their default, is any free port. */
  ports?: Partial<Record<Transport, number>>
  /** Where free ports are taken from; both ends are included. */
  portRange?: PortRange
  /** Who we are for those who connect over TLS or WSS. */
  identity?: Identity
  /** User-Agent and Server header. */
  userAgent: string
  /** IP addresses, with or without a port, of the name servers that are asked, for addresses too. Default: the system's, and its /etc/hosts. */
  nameServers?: readonly string[]
  /** What peers may make it keep at most; what is left out is that of `LIMITS`. */
  limits?: Partial<Limits>
  log?: Log
}

/** Binds its sockets. @throws with `code` (EADDRINUSE, EADDRNOTAVAIL, ...), `address` and `port` when one cannot be bound */
export async function createNativeEngine(options: NativeOptions): Promise<SignallingEngine> {
  const { clock, random, host, externalAddress, ports = {}, portRange, identity, userAgent, nameServers, log } = options
  const names = systemNames(nameServers)
  const wheel = new TimerWheel(clock)
  const addresses = new LocalAddresses(clock, host)
  const counter = new MessageCounter()
  const identifiers = new Identifiers(random)
  const dialogs = new Dialogs()
  const registrations: Core['registrations'] = new Set()
  const limits = { ...LIMITS, ...options.limits }
  const refused = noRefusals()
  let parseErrors = 0
  /** What came while the second socket was still being bound is lost; the peer sends it again. */
  let layers: { core: Core; transactions: TransactionLayer } | undefined

  function malformed(reason: string, flow: Flow, request?: Request): void {
    parseErrors++
    log?.debug({ reason, remote: flow.remote }, 'what came is no SIP message')
    // It cannot be matched with anything that follows.
    if (!layers || !request) return
    const { core } = layers
    const arrival = { text: '', at: clock.monotonic(), flow }
    if (server.knows(request.method)) {
      respondOnce(core, request, arrival, { code: 400, reason: `Bad Request: ${reason}` })
    } else respondOnce(core, request, arrival, { code: 501, headers: [['Allow', server.allow()]] })
  }

  const transports = await bindTransports({
    ...{
      clock,
      random,
      host,
      externalAddress,
      ports,
      portRange,
      identity,
      addresses,
      counter,
      limits,
      refused,
      malformed,
    },
    receive(message, arrival) {
      try {
        layers?.transactions.receive(message, arrival)
      } catch (error) {
        // Whoever handles one call wrongly must not end all others. Without a log nobody would know.
        if (!log) throw error
        log.error({ error, remote: arrival.flow.remote }, 'a SIP message could not be handled')
      }
    },
  })
  const { ways, ports: bound } = transports
  const transactions = new TransactionLayer(
    { wheel, ways, random, identifiers },
    {
      admits: (request, arrival, load) => server.admits(request, arrival, load),
      request: (request, arrival, incoming, merged) => server.request(request, arrival, incoming, merged),
      acknowledged: (request, arrival) => server.acknowledged(request, arrival),
      trying: (request, arrival) => server.trying(request, arrival),
      answeredLate: (response, arrival) => server.answeredLate(response, arrival),
    },
  )
  const core: Core = {
    ...{
      clock,
      random,
      wheel,
      identifiers,
      transactions,
      dialogs,
      addresses,
      locator: new Locator({ names, clock, random, bound: host }),
      host,
      userAgent,
      registrations,
      limits,
      refused,
      log,
      ways,
    },
    ports: bound,
    allow: () => server.allow(),
  }
  const server = new UserAgentServer(core)
  layers = { core, transactions }

  return {
    register: (registering) => register(core, registering),
    options: (asking) => sendOptions(core, asking),
    invite: (inviting) => new OutgoingInvite(core, inviting),
    onInvite: (user, handler, taking) => server.onInvite(user, handler, taking),
    onRequest: (method, handler) => server.onRequest(method, handler),
    async localAddress(remote) {
      const located = await core.locator.locate(typeof remote === 'string' ? { host: remote, port: 0 } : remote)
      return located.kind === 'Located' ? addresses.find(located.targets[0]?.host ?? host) : host
    },
    advertised: (local) => advertised(local, externalAddress),
    ports: bound,
    gauges: {
      get transactions() {
        return transactions.size
      },
      get dialogs() {
        return dialogs.size
      },
      get registrations() {
        return registrations.size
      },
      get timers() {
        return wheel.size
      },
      get connections() {
        return transports.connections
      },
    },
    counters: {
      get parseErrors() {
        return parseErrors
      },
      get messages() {
        return counter.totals
      },
      refused,
    },
    async [Symbol.asyncDispose]() {
      // Sockets first: what is begun meanwhile fails at once, and then everybody who still waits is told.
      await transports[Symbol.asyncDispose]()
      names[Symbol.dispose]()
      transactions.clear()
      for (const user of dialogs.values()) user.stopped()
      for (const registration of registrations) registration.stopped()
      dialogs.clear()
      registrations.clear()
      wheel.stop()
    },
  }
}
