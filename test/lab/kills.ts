/** Kills `ringcheck serve` at random moments while the target changes, and tells what was seen; the tests say what must be true of it. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom } from '../../lib/random.ts'
import { kamailio } from './kamailio.ts'
import { SECRET, manifests } from './manifests.ts'
import { temporaryFolder, until } from './process.ts'
import { receiver } from './receiver.ts'
import type { ProbeView } from './ringcheck.ts'
import { ringcheck } from './ringcheck.ts'
import { sippCallee } from './sipp.ts'

export interface KillOptions {
  kills: number
  /** The same seed kills at the same moments, as far as a machine can repeat itself. */
  seed: number
}

export interface KillReport {
  /** States the target was in, in order, each held for two intervals or more. */
  flips: string[]
  /** Of the history, oldest first. */
  transitions: Array<{ sequence: number; to: string }>
  /** Webhook ids of the history, oldest first. */
  recorded: string[]
  /** Webhook ids the receiver accepted, in the order of their first acceptance. */
  accepted: string[]
  /** Why the receiver refused others. */
  refused: readonly string[]
  /** Status, metrics and page after the last start. */
  status: NonNullable<ProbeView['status']>
  metrics: string
  page: string
  /** Accounts with a binding at the registrar, one entry a binding, after the last start. */
  registered: string[]
  /** Milliseconds of the last, orderly stop, and the bindings after it. */
  stop: { code: number | null; milliseconds: number }
  registeredAfterStop: string[]
}

const CALLEE = join(import.meta.dirname, 'scenarios/callee.xml')
const INTERVAL = 10_000
const HOLD = 2.5 * INTERVAL
/** Between two kills, milliseconds: in the middle of a start, of a call, of a write, or between them. */
const SHORTEST_LIFE = 1_500
const LONGEST_LIFE = 14_000

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

interface Transition {
  sequence: number
  to: string
}
interface DeliveryView {
  webhookId: string
  sequence: number
  state: string
}

export async function killedAtRandom({ kills, seed }: KillOptions): Promise<KillReport> {
  const random = seededRandom(seed)
  using temporary = temporaryFolder('kills')
  const folder = join(temporary.path, 'manifests')
  const data = join(temporary.path, 'data')
  for (const path of [folder, data]) mkdirSync(path)
  await using hook = await receiver(SECRET)
  // SIPp's own scenario forgets the route, so that each call would wait for the answer to its BYE.
  await using callee = await sippCallee({ rtpEcho: true, scenario: CALLEE })
  await using proxy = await kamailio({ routes: { svc: callee.target } })
  writeFileSync(join(folder, 'all.yaml'), manifests({ registrar: proxy.port, webhook: hook.url, register: true }))
  await using product = await ringcheck({ folder, data })
  await product.becomes('trunk', 'known', ({ health }) => health === 'Healthy', 120_000)

  const flips = ['Healthy']
  let flippedAt = performance.now()
  const flip = async () => {
    const next = flips.at(-1) === 'Healthy' ? 'Unhealthy' : 'Healthy'
    await proxy.route('svc', next === 'Healthy' ? callee.target : undefined)
    flips.push(next)
    flippedAt = performance.now()
  }
  for (let kill = 0; kill < kills; kill++) {
    await wait(SHORTEST_LIFE + random() * (LONGEST_LIFE - SHORTEST_LIFE))
    await product.kill()
    await product.start()
    if (performance.now() - flippedAt > HOLD) await flip()
  }
  await wait(Math.max(0, HOLD - (performance.now() - flippedAt)))
  const last = flips.at(-1) ?? ''
  const status = await product.becomes('trunk', last, ({ health }) => health === last, 12 * INTERVAL)

  const transitions = await all<Transition>('/projects/default/probes/trunk/transitions')
  const delivered = async () => (await all<DeliveryView>('/deliveries')).every(({ state }) => state === 'Delivered')
  await until(delivered, { what: 'every delivery to arrive', within: 30_000 })
  const deliveries = await all<DeliveryView>('/deliveries')
  // The caller's own binding comes and goes with its calls; wait until only the callee's is there.
  const bindings = async () => (await proxy.registrations()).map(({ aor }) => aor)
  await until(async () => (await bindings()).every((aor) => aor !== 'alice'), {
    what: 'the call to end',
    within: 20_000,
  })
  const report = {
    flips,
    transitions: transitions.toReversed(),
    recorded: deliveries.toSorted((left, right) => left.sequence - right.sequence).map(({ webhookId }) => webhookId),
    accepted: hook.accepted(),
    refused: hook.refused,
    status,
    metrics: await product.metrics(),
    page: await product.page('/status/default/page'),
    registered: await bindings(),
  }
  return { ...report, stop: await product.stop(), registeredAfterStop: await bindings() }

  async function all<Item>(path: string): Promise<Item[]> {
    const items: Item[] = []
    for (let page = 1; ; page++) {
      const found = await product.get<Item[]>(`${path}?page=${page}&perPage=100`)
      items.push(...found)
      if (found.length < 100) return items
    }
  }
}

/** The known states in their order: what could not be measured honestly on a busy machine (Unknown) is no change of the target. */
export function knownStates(transitions: KillReport['transitions']): string[] {
  const known = transitions.map(({ to }) => to).filter((to) => to !== 'Unknown')
  return known.filter((state, index) => state !== known[index - 1])
}
