import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CallResult, Phase } from '../api/protocol.ts'
import type { Call, IncomingCall } from '../sip/index.ts'
import type { Arena, Watched } from './arena.fixture.ts'
import { createArena, nothing } from './arena.fixture.ts'

let arena: Arena
beforeEach(async () => {
  arena = await createArena()
})
afterEach(() => arena[Symbol.asyncDispose]())

describe('a run that is stopped', { timeout: 20_000 }, () => {
  /** Stops it once it is in this phase; everything is said and nothing is left. */
  async function stopped(watched: Watched, phase: Phase): Promise<CallResult> {
    await watched.phase(phase)
    watched.run.stop()
    const result = await watched.result()
    expect(result.stopped).toBe(true)
    expect(result.failureClass).toBeUndefined()
    expect(watched.events.at(-1)?.type).toBe('End')
    expect(arena.left()).toEqual(nothing)
    return result
  }

  test('before it began', async () => {
    const watched = arena.start(arena.plan({ endpoint: { registrar: arena.registering() } }))
    watched.run.stop()
    expect(await watched.result()).toMatchObject({ stopped: true })
  })

  test('while it registers', async () => {
    arena.peer.registrar = undefined
    expect(
      await stopped(arena.start(arena.plan({ endpoint: { registrar: arena.registering() } })), 'Registering'),
    ).toMatchObject({
      stopped: true,
    })
  })

  test('while nobody answers', async () => {
    arena.peer.on('echo', (incoming) => incoming.ignore())
    expect(
      await stopped(arena.start(arena.plan({ endpoint: { registrar: arena.registering() } })), 'Calling'),
    ).toMatchObject({
      stopped: true,
    })
  })

  test('while it rings: the peer gets a CANCEL', async () => {
    const rung = Promise.withResolvers<IncomingCall>()
    arena.peer.on('echo', (incoming) => {
      incoming.ring()
      rung.resolve(incoming)
    })
    expect(
      await stopped(arena.start(arena.plan({ endpoint: { registrar: arena.registering() } })), 'Ringing'),
    ).toMatchObject({
      stopped: true,
    })
    expect((await rung.promise).cancelled.aborted).toBe(true)
  })

  test('in the call: the peer gets a BYE, and what was measured is kept', async () => {
    const answered = Promise.withResolvers<Call | undefined>()
    arena.peer.on('echo', async (incoming) => answered.resolve(await arena.peer.answer(incoming)))
    const watched = arena.start(arena.plan({ endpoint: { registrar: arena.registering(), callDuration: 60_000 } }))
    await answered.promise
    const result = await stopped(watched, 'InCall')
    expect(await (await answered.promise)?.ended).toMatchObject({ by: 'Remote', reason: 'stopped' })
    expect(result.metrics.sessionTime).toBeGreaterThan(0)
  })

  test('while a callee waits', async () => {
    expect(await stopped(arena.start(arena.plan({ endpoint: arena.callee() })), 'Waiting')).toMatchObject({
      stopped: true,
    })
  })

  test('while a callee talks', async () => {
    const watched = arena.start(arena.plan({ endpoint: arena.callee({ callDuration: 60_000 }) }))
    arena.peer.call(await arena.peer.registered())
    expect(await stopped(watched, 'InCall')).toMatchObject({ stopped: true })
  })
})

describe('a fault of ours', { timeout: 20_000 }, () => {
  test.each(['Registered', 'Calling', 'Ringing', 'InCall'])(
    'at %s is Internal, is told to the end, and leaves nothing',
    async (phase) => {
      const ended = Promise.withResolvers<unknown>()
      arena.peer.on('echo', async (incoming) => {
        incoming.ring()
        ended.resolve(await (await arena.peer.answer(incoming))?.ended)
      })
      const watched = arena.start(
        arena.plan({ endpoint: { registrar: arena.registering(), callDuration: 60_000 } }),
        (event) => {
          if (event.type === 'Phase' && event.phase === phase) throw new Error('hunter2 is broken')
        },
      )
      const result = await watched.result()
      expect(result).toMatchObject({ outcome: 'OsError', failureClass: 'Internal' })
      expect(watched.events.at(-1)?.type).toBe('End')
      expect(JSON.stringify(watched.events)).not.toContain('hunter2')
      expect(arena.left()).toEqual(nothing)
    },
  )

  test('in the middle of the call, too', async () => {
    arena.peer.on('echo', (incoming) => void arena.peer.answer(incoming))
    const watched = arena.start(
      arena.plan({ endpoint: { registrar: arena.registering(), callDuration: 60_000 } }),
      (event) => {
        if (event.type === 'Sample') throw new Error('broken')
      },
    )
    expect(await watched.result()).toMatchObject({ failureClass: 'Internal' })
    expect(arena.left()).toEqual(nothing)
  })
})
