/** The Prometheus series of an agent by itself: its runs, its SIP and media, and whether it has time for them. They are read when somebody asks. */
import { performance } from 'node:perf_hooks'
import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Runs } from './api/index.ts'
import { PROTOCOL } from './api/protocol.ts'
import type { MediaEngine } from './media/index.ts'
import { eventLoopLag } from './run/index.ts'
import type { SignallingEngine } from './sip/index.ts'

export interface Sources {
  userAgent: string
  draining: () => boolean
  runs: Pick<Runs, 'running' | 'limit' | 'refused'>
  engine: {
    gauges: Pick<SignallingEngine['gauges'], 'transactions' | 'dialogs'>
    counters: Pick<SignallingEngine['counters'], 'parseErrors' | 'messages'>
  }
  media: { gauges: Pick<MediaEngine['gauges'], 'portsUsed' | 'portsFree' | 'packetsSent' | 'packetsReceived'> }
}

/** Its event loop is watched until the result is disposed of. */
export function registerAgentMetrics(registry: Registry, sources: Sources): Disposable {
  const { userAgent, draining, runs } = sources
  const registers = [registry]
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      ...{ name, help, registers },
      collect() {
        this.set(value())
      },
    })
  new Gauge({
    name: 'ringcheck_agent_info',
    help: '1; how it names itself to peers, and the protocol that it speaks with the operator.',
    labelNames: ['user_agent', 'protocol'],
    registers,
  }).set({ user_agent: userAgent, protocol: String(PROTOCOL) }, 1)
  gauge('ringcheck_agent_draining', '1 from the signal to go on.', () => (draining() ? 1 : 0))
  gauge('ringcheck_agent_runs_active', 'Runs that are under way.', () => runs.running)
  gauge('ringcheck_agent_runs_limit', 'Runs that may be under way at once.', () => runs.limit)
  new Counter({
    name: 'ringcheck_agent_runs_refused_total',
    help: 'Plans that were not taken: it goes away, is full, or they are of an older leader or have the id of another plan.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset()
      for (const [reason, count] of Object.entries(runs.refused)) this.inc({ reason }, count)
    },
  })
  registerSip(registry, sources)
  registerMedia(registry, sources)
  return registerEventLoop(registry)
}

function registerSip(registry: Registry, { engine }: Sources): void {
  const registers = [registry]
  new Counter({
    name: 'ringcheck_agent_sip_messages_total',
    help: 'SIP messages In and Out, again or not, by method and class: request, or 2xx of a response. Absent until there is one.',
    labelNames: ['direction', 'method', 'class'],
    registers,
    collect() {
      this.reset()
      for (const [key, count] of engine.counters.messages) {
        const [direction = '', method = '', kind = ''] = key.split(' ')
        this.inc({ direction, method, class: kind }, count)
      }
    },
  })
  new Counter({
    name: 'ringcheck_agent_sip_parse_errors_total',
    help: 'What came to a SIP port and was no SIP message.',
    registers,
    collect() {
      this.reset()
      this.inc(engine.counters.parseErrors)
    },
  })
  new Gauge({
    name: 'ringcheck_agent_transactions',
    help: 'SIP transactions; over UDP one stays up to 32 s after its end.',
    registers,
    collect() {
      this.set(engine.gauges.transactions)
    },
  })
  new Gauge({
    name: 'ringcheck_agent_dialogs',
    help: 'SIP dialogs, ours and those of peers.',
    registers,
    collect() {
      this.set(engine.gauges.dialogs)
    },
  })
}

function registerMedia(registry: Registry, { media }: Sources): void {
  const registers = [registry]
  new Gauge({
    name: 'ringcheck_agent_rtp_ports',
    help: 'UDP ports for RTP and RTCP that are Used, and those that are Free where a range is configured.',
    labelNames: ['state'],
    registers,
    collect() {
      const { portsUsed, portsFree } = media.gauges
      this.set({ state: 'Used' }, portsUsed)
      if (portsFree !== undefined) this.set({ state: 'Free' }, portsFree)
    },
  })
  new Counter({
    name: 'ringcheck_agent_rtp_packets_total',
    help: 'RTP packets In and Out.',
    labelNames: ['direction'],
    registers,
    collect() {
      this.reset()
      this.inc({ direction: 'In' }, media.gauges.packetsReceived)
      this.inc({ direction: 'Out' }, media.gauges.packetsSent)
    },
  })
}

function registerEventLoop(registry: Registry): Disposable {
  let meter = eventLoopLag()
  new Gauge({
    name: 'ringcheck_agent_event_loop_lag_seconds',
    help: 'How late its event loop was, 99th percentile since it was told last; absent in the first seconds. Over 0.02 nothing is measured.',
    registers: [registry],
    collect() {
      const lag = meter.p99()
      // Too little time has passed to say: it goes on.
      if (lag === undefined) return
      this.set(lag / 1000)
      meter[Symbol.dispose]()
      meter = eventLoopLag()
    },
  }).remove()
  let before = performance.eventLoopUtilization()
  new Gauge({
    name: 'ringcheck_agent_event_loop_utilization_ratio',
    help: 'Share of the time that its event loop worked, since it was told last.',
    registers: [registry],
    collect() {
      const now = performance.eventLoopUtilization()
      this.set(performance.eventLoopUtilization(now, before).utilization)
      before = now
    },
  })
  return { [Symbol.dispose]: () => meter[Symbol.dispose]() }
}
