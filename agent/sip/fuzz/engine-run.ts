/** A running engine that takes, makes and answers calls while a hostile peer speaks to it. It judges nothing. */
import { seededRandom } from '../../../lib/random.ts'
import { ANSWER, engine, fasterClock, inviteOptions, optionsTo } from '../conformance/lab.ts'
import type { IncomingCall, OutgoingCall, RegisterOutcome, SignallingEngine } from '../engine.ts'
import { hostilePeer, type HostilePeer } from './hostile-peer.ts'
import { createMutator } from './mutate.ts'

/** Seconds that pass in one: what the RFC keeps for 32 s is gone soon. */
const FASTER = 500

export interface EngineRun extends AsyncDisposable {
  engine: SignallingEngine
  peer: HostilePeer
  /** Begins a call, an OPTIONS and a registration of ours, which the peer answers as it likes. */
  begin(): void
  /** Settles when what was begun is over. */
  over(): Promise<unknown>
}

export async function engineRun(seed: number, corpus: readonly string[]): Promise<EngineRun> {
  const random = seededRandom(seed)
  const ours = await engine({ clock: fasterClock(FASTER), random })
  const peer = await hostilePeer(createMutator(random, corpus), ours.ports)
  const pending = new Set<Promise<unknown>>()
  const wait = (work: Promise<unknown>): void => {
    const settled = work.finally(() => pending.delete(settled))
    pending.add(settled)
  }

  ours.onInvite(undefined, (incoming) => wait(take(incoming, random())))
  ours.onRequest('MESSAGE', (request) => request.respond(200))
  ours.onRequest('REGISTER', (request) =>
    request.respond(random() < 0.5 ? 200 : 423, undefined, [['Min-Expires', '60']]),
  )

  const begin = (): void => {
    const options = { ...optionsTo(peer.port, 'UDP'), callId: `ours-${random()}` }
    const outgoing = ours.invite(inviteOptions(peer.port, 'UDP', { callId: `call-${random()}` }))
    wait(hangUp(outgoing))
    wait(ours.options(options))
    wait(unregister(ours.register({ ...options, expires: 60 })))
  }

  return {
    ...{ engine: ours, peer, begin },
    async over() {
      while (pending.size > 0) await Promise.all(pending)
    },
    async [Symbol.asyncDispose]() {
      await ours[Symbol.asyncDispose]()
      await peer[Symbol.asyncDispose]()
    },
  }
}

async function hangUp({ outcome }: OutgoingCall): Promise<void> {
  const settled = await outcome
  if (settled.kind === 'Answered') await settled.call.bye()
}

async function unregister(outcome: Promise<RegisterOutcome>): Promise<void> {
  const settled = await outcome
  if (settled.kind === 'Registered') await settled.registration.unregister()
}

/** All that can be done with a call, by chance. */
async function take(incoming: IncomingCall, chance: number): Promise<unknown> {
  if (chance < 0.1) return incoming.ignore()
  if (chance < 0.3) return incoming.reject(486)
  if (chance < 0.6) incoming.ring(chance < 0.5 ? 180 : 183)
  const call = await incoming.answer(ANSWER)
  return call?.bye()
}
