/**
 * `node uas.ts [--traces] [--tls]`: a process whose engine answers each INVITE at once with 180 and 200, and is a registrar that takes every REGISTER.
 * SIGUSR2: reports its memory once all transactions are over. SIGTERM: reports its calls and ends.
 */
import type { IncomingCall } from '../../agent/sip/index.ts'
import { certificateAuthority, type Identity } from '../lab/certificates.ts'
import { benchEngine, idle, SDP } from './caller.ts'
import { memory, report } from './reporting.ts'

const engine = await benchEngine(process.argv.includes('--tls') ? await identity() : undefined)
const counts = { calls: 0, confirmed: 0, ended: 0, retransmissionsSent: 0, retransmissionsReceived: 0 }

const untraced = !process.argv.includes('--traces')

engine.onInvite(undefined, answer, { untraced })

function answer(incoming: IncomingCall): void {
  counts.calls++
  incoming.ring()
  void incoming.answer(SDP).then(async (call) => {
    if (!call) return
    counts.confirmed++
    await call.ended
    counts.ended++
    counts.retransmissionsSent += call.counters.retransmissionsSent
    counts.retransmissionsReceived += call.counters.retransmissionsReceived
  })
}

engine.onRequest('REGISTER', (request) => {
  const contact = request.header('contact').map((value) => ['Contact', value] as const)
  request.respond(200, 'OK', contact)
})

process.on('SIGUSR2', () => {
  void idle(engine).then(() => report({ event: 'memory', ...memory(), ...gauges() }))
})
process.on('SIGTERM', () => {
  report({ event: 'result', ...counts, ...gauges() })
  process.exit()
})
report({ event: 'ready', ports: engine.ports })

async function identity(): Promise<Identity> {
  const authority = await certificateAuthority()
  return authority.issue(['127.0.0.1'])
}

function gauges(): object {
  const { transactions, dialogs, timers, connections } = engine.gauges
  return { transactions, dialogs, timers, connections }
}
