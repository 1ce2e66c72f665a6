/** What the conformance tests have in common: engines on loopback, parties, a clock that runs faster, and waiting for events. No test is in here. */
import type { Server } from 'node:net'
import { setImmediate as turnOfLoop } from 'node:timers/promises'
import { type Clock, systemClock } from '../../../lib/clock.ts'
import type { ManualClock } from '../../../lib/manual-clock.ts'
import { systemRandom } from '../../../lib/random.ts'
import { certificateAuthority } from '../../../test/lab/certificates.ts'
import type { Hop, InviteOptions, LocalParty, SignallingEngine, Transport } from '../engine.ts'
import { bracketed } from '../message/uri.ts'
import { createNativeEngine, type NativeOptions } from '../native.ts'
import { Trace } from '../trace/trace.ts'

export const OFFER = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=offer\r\n'
export const ANSWER = 'v=0\r\no=- 2 1 IN IP4 127.0.0.1\r\ns=answer\r\n'

/** A clock on which `factor` seconds pass in one: the timers of 32 s are waited for in reality, but not for so long. */
export function fasterClock(factor: number): Clock {
  return {
    now: () => systemClock.now(),
    monotonic: () => systemClock.monotonic() * factor,
    timer: (milliseconds, callback) => systemClock.timer(milliseconds / factor, callback),
  }
}

export function engine(options: Partial<NativeOptions> = {}): Promise<SignallingEngine> {
  const { clock = systemClock, random = systemRandom } = options
  return createNativeEngine({ host: '127.0.0.1', userAgent: 'conformance', ...options, clock, random })
}

/** Every test of the table is run over each of them. */
export const TRANSPORTS: readonly Transport[] = ['UDP', 'TCP', 'TLS', 'WS', 'WSS']

export const AUTHORITY = await certificateAuthority()
export const IDENTITY = await AUTHORITY.issue(['localhost', '127.0.0.1', '::1'])

/** An engine that listens on a transport as well, by a certificate of `AUTHORITY` where it needs one. */
export function listening(transport: Transport, options: Partial<NativeOptions> = {}): Promise<SignallingEngine> {
  return engine({ identity: IDENTITY, ...options, ports: { [transport]: 0, ...options.ports } })
}

export function portOf({ ports }: SignallingEngine, transport: Transport): number {
  const port = ports[transport]
  if (port === undefined) throw new Error(`${transport} is not listened on`)
  return port
}

/** Where a server of a test's own listens. */
export function listeningAt(server: Pick<Server, 'address'>): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it does not listen on a port')
  return address.port
}

export function hop(port: number, transport: Transport, host = '127.0.0.1'): Hop {
  return { host, port, transport, tls: { ca: AUTHORITY.ca, verify: 'Full' } }
}

/** The parameter of a URI, with its semicolon. */
export function parameterOf(transport: Transport): string {
  if (transport === 'UDP') return ''
  return `;transport=${transport === 'WSS' ? 'ws' : transport.toLowerCase()}`
}

export function party(port: number, transport: Transport, changes: Partial<LocalParty> = {}): LocalParty {
  const nextHop = hop(port, transport)
  return { aor: 'sip:alice@example.com', contactUser: 'alice-contact', nextHop, outboundProxy: false, ...changes }
}

let calls = 0

/** Options of a request to `user` at a port of loopback; what a test is about it changes. */
export function inviteOptions(
  port: number,
  transport: Transport,
  changes: Partial<InviteOptions> & { user?: string } = {},
): InviteOptions {
  const { user = 'bob', ...rest } = changes
  return {
    party: party(port, transport),
    callId: `conformance-${++calls}`,
    timeout: 20_000,
    trace: new Trace(),
    target: `sip:${user}@127.0.0.1:${port}${parameterOf(transport)}`,
    offer: OFFER,
    ...rest,
  }
}

/** Options of an OPTIONS to the peer at a port. */
export function optionsTo(port: number, transport: Transport, changes: { host?: string; timeout?: number } = {}) {
  const { host = '127.0.0.1', timeout = 20_000 } = changes
  return {
    party: { ...party(port, transport), nextHop: hop(port, transport, host) },
    target: `sip:${bracketed(host)}:${port}`,
    ...{ callId: 'options-1', timeout, trace: new Trace() },
  }
}

/** First lines of what a trace holds, with an arrow for the way: `> INVITE`, `< 180 INVITE`. A busy machine may make retransmissions: they are left out. */
export function titles(trace: Trace): string[] {
  const once = trace.messages.filter(({ retransmission }) => !retransmission)
  return once.map(({ direction, text }) => {
    const [first = '', second = ''] = text.split(' ', 2)
    const method = /^CSeq: \d+ (\w+)/m.exec(text)?.[1]
    return `${direction === 'Out' ? '>' : '<'} ${first === 'SIP/2.0' ? `${second} ${method}` : first}`
  })
}

/** Both promises of an incoming call's events in one: the first call that a handler gets. */
export function first<Value>(): { promise: Promise<Value>; take: (value: Value) => void } {
  const { promise, resolve } = Promise.withResolvers<Value>()
  return { promise, take: resolve }
}

/** Lets time pass in steps so small that what was asked over a connection meanwhile has been answered. */
export async function passes(clock: ManualClock, milliseconds: number): Promise<void> {
  for (let left = milliseconds; left > 0; left -= 5_000) {
    await clock.advance(Math.min(left, 5_000))
    for (let turn = 0; turn < 20; turn++) await turnOfLoop()
  }
}

export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** Waits until no transaction and no dialog is left: on a fast clock the last timers of the RFC are over soon. */
export async function drained(...engines: SignallingEngine[]): Promise<void> {
  const busy = () => engines.some(({ gauges }) => gauges.transactions + gauges.dialogs + gauges.registrations > 0)
  while (busy()) await new Promise<void>((resolve) => systemClock.timer(5, resolve))
}
