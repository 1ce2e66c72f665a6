import { describe, expect, test } from 'vitest'
import type { Transport } from '../engine.ts'
import { Headers } from '../message/headers.ts'
import { ANSWER, engine, fasterClock, inviteOptions, optionsTo, TRANSPORTS } from './lab.ts'
import { scriptedPeer } from './scripted-peer.ts'

const BRANCHES = 3

/** An INVITE of ours to a peer that answers it as often as it likes. */
async function calling(transport: Transport) {
  const ours = await engine({ clock: fasterClock(20), limits: { branches: BRANCHES } })
  const peer = await scriptedPeer(transport)
  const seen: Array<string | undefined> = []
  const outgoing = ours.invite(inviteOptions(peer.port, transport, { onProvisional: ({ sdp }) => void seen.push(sdp) }))
  return {
    ...{ ours, peer, outgoing, seen, invite: await peer.request('INVITE') },
    /** Settles when the engine has read all that the peer has sent. */
    async read(): Promise<void> {
      const asked = ours.options(optionsTo(peer.port, transport))
      peer.reply(await peer.request('OPTIONS'), '200 OK')
      await asked
    },
    async [Symbol.asyncDispose]() {
      await ours[Symbol.asyncDispose]()
      await peer[Symbol.asyncDispose]()
    },
  }
}

type Calling = Awaited<ReturnType<typeof calling>>

/** The call is answered and hung up; answers of other branches may still come. */
async function hungUp({ peer, outgoing, invite }: Calling): Promise<void> {
  peer.reply(invite, '200 OK', { body: ANSWER })
  const outcome = await outgoing.outcome
  if (outcome.kind !== 'Answered') throw new Error(outcome.kind)
  const bye = outcome.call.bye()
  peer.reply(await peer.request('BYE'), '200 OK')
  await bye
}

const tags = Array.from({ length: BRANCHES + 4 }, (_, index) => `branch-${index}`)

describe.each(TRANSPORTS)('an INVITE over %s', (transport) => {
  test('answers of too many branches are neither acknowledged nor kept', async () => {
    await using all = await calling(transport)
    for (const tag of tags) all.peer.reply(all.invite, '200 OK', { tag, body: ANSWER })
    expect((await all.outgoing.outcome).kind).toBe('Answered')
    await all.read()
    expect(all.ours.counters.refused.branches).toBe(tags.length - BRANCHES)
    // The call, and those that are being hung up.
    expect(all.ours.gauges.dialogs).toBeLessThanOrEqual(BRANCHES)
  })

  test('early media of too many branches is told, and not remembered', async () => {
    await using all = await calling(transport)
    for (const tag of tags) all.peer.reply(all.invite, '183 Session Progress', { tag, body: ANSWER })
    await all.read()
    expect(all.seen.length).toBe(tags.length)
    expect(all.ours.counters.refused.branches).toBe(tags.length - BRANCHES)
  })

  test('early dialogs of too many branches are neither made nor told', async () => {
    await using all = await calling(transport)
    const headers = ['Allow: INVITE, UPDATE']
    for (const tag of tags) all.peer.reply(all.invite, '180 Ringing', { tag, headers })
    await all.read()
    expect(all.seen.length).toBe(BRANCHES)
    expect(all.ours.counters.refused.branches).toBe(tags.length - BRANCHES)
    expect(all.ours.gauges.dialogs).toBe(BRANCHES)
  })

  test('late answers of too many branches are not hung up', async () => {
    await using all = await calling(transport)
    await hungUp(all)
    for (const tag of tags) all.peer.reply(all.invite, '200 OK', { tag, body: ANSWER })
    await all.read()
    expect(all.ours.counters.refused.branches).toBe(tags.length - BRANCHES)
    expect(all.ours.gauges.dialogs).toBeLessThanOrEqual(BRANCHES)
  })

  test('late answers to somebody else than us get nothing', async () => {
    await using all = await calling(transport)
    await hungUp(all)
    all.invite.headers = new Headers(all.invite.headers.toString().replace(/^(From:.*;tag=).*$/m, '$1another'))
    for (const tag of tags) all.peer.reply(all.invite, '200 OK', { tag, body: ANSWER })
    await all.read()
    const { messages } = all.ours.counters
    expect([messages.get('Out ACK request'), messages.get('Out BYE request')]).toEqual([1, 1])
  })
})
