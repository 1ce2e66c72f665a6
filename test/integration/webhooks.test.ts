/** Webhooks over HTTPS to names of a real name server, as an attacker with a name of their own would have them, too. */
import { once } from 'node:events'
import { createServer as createHttps } from 'node:https'
import { createServer } from 'node:net'
import type { LookupFunction } from 'node:net'
import { Resolver } from 'node:dns'
import { text } from 'node:stream/consumers'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { openHistory } from '../../operator/history/index.ts'
import type { Delivery } from '../../operator/history/index.ts'
import { flip, probe } from '../../operator/history/test-entries.ts'
import { createAddressCheck } from '../../operator/webhooks/addresses.ts'
import { statusChangedBody } from '../../operator/webhooks/body.ts'
import { Deliverer } from '../../operator/webhooks/deliverer.ts'
import type { Target } from '../../operator/webhooks/prepare.ts'
import type { Authority } from '../lab/certificates.ts'
import { certificateAuthority } from '../lab/certificates.ts'
import { dns } from '../lab/dns.ts'
import { freePort } from '../lab/ports.ts'

const secrets = ['old', 'new'].map((word) => `whsec_${Buffer.from(word.padEnd(32, '.')).toString('base64')}`)
/** Where the receiver is; the trap is on 127.0.0.2, which is not allowed. */
const check = createAddressCheck(['127.0.0.1/32'])
const page = { page: 1, perPage: 10 }

let authority: Authority
const before = getCACertificates('default')
beforeAll(async () => {
  authority = await certificateAuthority()
  setDefaultCACertificates([...before, authority.ca])
})
afterAll(() => setDefaultCACertificates(before))

interface Got {
  path: string
  body: string
  headers: Record<string, string>
}

/** Takes everything at hooks.test; `/moved` points elsewhere. */
async function receiver(stack: AsyncDisposableStack, port: number, elsewhere: string): Promise<Got[]> {
  const got: Got[] = []
  const { certificate, key } = await authority.issue(['hooks.test'])
  const server = createHttps({ cert: certificate, key }, (request, response) => {
    text(request).then(
      (body) => {
        const headers = Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
        )
        got.push({ path: request.url ?? '', body, headers })
        if (request.url === '/moved') response.writeHead(307, { location: elsewhere }).end()
        else response.writeHead(204).end()
      },
      () => response.destroy(),
    )
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  return got
}

/** Counts who connects to it. */
async function trap(stack: AsyncDisposableStack, port: number): Promise<() => number> {
  let connections = 0
  const server = createServer((socket) => {
    connections++
    socket.destroy()
  })
  server.listen(port, '127.0.0.2')
  await once(server, 'listening')
  stack.defer(() => void server.close())
  return () => connections
}

/** Asks these name servers, one after the other, the last for ever. */
function lookupAt(addresses: readonly string[]): LookupFunction {
  let asked = 0
  return (hostname, _options, callback) => {
    const resolver = new Resolver()
    resolver.setServers([addresses[Math.min(asked++, addresses.length - 1)] ?? ''])
    resolver.resolve4(hostname, (error, found) =>
      callback(
        error,
        (found ?? []).map((address) => ({ address, family: 4 })),
      ),
    )
  }
}

/** A deliverer whose first event has gone out, or failed, for each webhook. */
async function delivered(
  stack: AsyncDisposableStack,
  { targets, lookup }: { targets: Readonly<Record<string, Target>>; lookup: LookupFunction },
) {
  const history = stack.use(await openHistory({ file: ':memory:', clock: systemClock }))
  const deliverer = stack.use(
    new Deliverer({
      outbox: history.outbox,
      resolve: ({ webhook }: Delivery) =>
        Promise.resolve(targets[webhook] ?? { unavailable: `the test knows no webhook ${webhook}` }),
      holds: () => true,
      check,
      lookup,
      clock: systemClock,
      random: systemRandom,
      log: createLog({ name: 'test', level: 'silent' }),
      onSettled: () => undefined,
    }),
  )
  const tell = async (sequence: number) => {
    const entry = flip(sequence, probe, Object.keys(targets))
    const { transition } = entry
    if (!transition) throw new Error('a flip is a transition')
    const body = statusChangedBody({
      probe: { ...probe, displayName: 'Switchboard' },
      transition,
      initial: false,
      links: {},
    })
    await history.record({ ...entry, deliveries: entry.deliveries.map((delivery) => ({ ...delivery, body })) })
    deliverer.wake()
    const attempted = async () =>
      (await history.outbox.list({ ...page, perPage: 100 })).items
        .filter((item) => item.sequence === sequence)
        .every(({ attempts }) => attempts > 0)
    await expect.poll(attempted, { timeout: 20_000 }).toBe(true)
    const { items } = await history.outbox.list({ ...page, perPage: 100 })
    return new Map(items.filter((item) => item.sequence === sequence).map((item) => [item.webhook, item]))
  }
  return { tell }
}

test('a receiver with a certificate of its name gets what both secrets of a rotation verify', async () => {
  await using stack = new AsyncDisposableStack()
  const port = await freePort()
  const names = stack.use(await dns({ hosts: { 'hooks.test': ['127.0.0.1'] } }))
  const got = await receiver(stack, port, 'https://hooks.test/other')
  const url = `https://hooks.test:${port}`
  const { tell } = await delivered(stack, {
    targets: {
      both: { url: `${url}/both`, format: 'Standard', secret: secrets.join('\n') },
      slack: { url: `${url}/slack`, format: 'Slack' },
      pager: { url: `${url}/pager`, format: 'PagerDuty', secret: 'KEY' },
      moved: { url: `${url}/moved`, format: 'Standard' },
    },
    lookup: lookupAt([names.address]),
  })
  const log = await tell(1)
  expect(
    [...log.values()].map(({ webhook, state, responseCode }) => `${webhook} ${state} ${responseCode}`).toSorted(),
  ).toEqual(['both Delivered 204', 'moved Pending 307', 'pager Delivered 204', 'slack Delivered 204'])
  const at = (path: string) => got.filter((each) => each.path === path)
  const [both] = at('/both')
  for (const secret of secrets)
    expect(new Webhook(secret).verify(both?.body ?? '', both?.headers ?? {})).toMatchObject({ data: { sequence: 1 } })
  expect(JSON.parse(at('/pager')[0]?.body ?? '')).toMatchObject({ routing_key: 'KEY', event_action: 'trigger' })
  expect(JSON.parse(at('/slack')[0]?.body ?? '')).toHaveProperty('blocks')
  // A redirect is an answer like any other that is no success.
  expect(at('/moved')).toHaveLength(1)
  expect(at('/other')).toEqual([])
})

test('a name that moves to an address which is not allowed is followed by nobody', async () => {
  await using stack = new AsyncDisposableStack()
  const port = await freePort()
  const first = stack.use(await dns({ hosts: { 'hooks.test': ['127.0.0.1'] } }))
  const then = stack.use(await dns({ hosts: { 'hooks.test': ['127.0.0.2'] } }))
  const got = await receiver(stack, port, 'https://hooks.test/other')
  const trapped = await trap(stack, port)
  const { tell } = await delivered(stack, {
    targets: { chat: { url: `https://hooks.test:${port}/`, format: 'Standard' } },
    lookup: lookupAt([first.address, then.address]),
  })
  // One question, one answer, one connection: the second answer of a server that changes its mind is never used for the first event.
  expect((await tell(1)).get('chat')).toMatchObject({ state: 'Delivered', responseCode: 204 })
  expect(first.asked().filter((question) => question === 'A hooks.test')).toHaveLength(1)
  expect(then.asked().filter((question) => question === 'A hooks.test')).toEqual([])
  expect((await tell(2)).get('chat')).toMatchObject({ state: 'Pending', error: 'the URL points to this machine' })
  expect(got).toHaveLength(1)
  expect(trapped()).toBe(0)
})

test('a name with an address that is allowed and one that is not is refused', async () => {
  await using stack = new AsyncDisposableStack()
  const port = await freePort()
  const names = stack.use(
    await dns({
      hosts: {
        'both.test': ['127.0.0.1', '127.0.0.2'],
        'inside.test': ['10.96.0.1'],
        'cloud.test': ['169.254.169.254'],
      },
    }),
  )
  const trapped = await trap(stack, port)
  const { tell } = await delivered(stack, {
    targets: Object.fromEntries(
      ['both', 'inside', 'cloud', 'nowhere'].map((name) => [
        name,
        { url: `https://${name}.test:${port}/`, format: 'Standard' },
      ]),
    ),
    lookup: lookupAt([names.address]),
  })
  const log = await tell(1)
  expect(log.get('both')?.error).toBe('the URL points to this machine')
  expect(log.get('inside')?.error).toBe('the URL points to a private network')
  expect(log.get('cloud')?.error).toBe('the URL points to a metadata service')
  expect(log.get('nowhere')?.error).toContain('ENOTFOUND')
  expect(trapped()).toBe(0)
})
