/** A real API over a real store, which listens, for tests of commands that ask one. */
import { systemClock } from '../lib/clock.ts'
import { close, listen } from '../lib/http.ts'
import { createLog } from '../lib/log.ts'
import { seededRandom } from '../lib/random.ts'
import { createApi } from '../operator/api/index.ts'
import type { World } from '../operator/api/index.ts'
import { openHistory } from '../operator/history/index.ts'
import type { History } from '../operator/history/index.ts'

export interface Serving {
  readonly history: History
  readonly url: string
}

/** @param world what is not as in a cluster where nothing is declared */
export async function serving(
  stack: AsyncDisposableStack,
  world: Partial<Pick<World, 'cluster' | 'runNow'>> = {},
): Promise<Serving> {
  const history = stack.use(await openHistory({ file: ':memory:', clock: systemClock }))
  const api = createApi({
    world: {
      cluster: { list: () => [], get: () => undefined, problems: () => [] },
      history,
      runNow: () => Promise.resolve(undefined),
      replay: (id) => history.outbox.replay(id, systemClock.now()),
      renderLadder: () => '',
      renderPcap: () => Buffer.alloc(0),
      mask: (text) => text,
      ...world,
    },
    clock: systemClock,
    log: createLog({ name: 'test', level: 'silent' }),
    random: seededRandom(1),
    host: '127.0.0.1',
  })
  await api.ready()
  const { port } = await listen(api.server, { flag: '--api', host: '127.0.0.1', port: 0 })
  stack.defer(async () => {
    await close(api.server)
    await api.close()
  })
  return { history, url: `http://127.0.0.1:${port}` }
}
