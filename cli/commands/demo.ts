/** `ringcheck demo`: what `make run` starts: a responder, a receiver of webhooks, and the samples. Everything it starts ends with it. */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { z } from 'zod'
import { parseAccounts, startResponder } from '../../agent/respond/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { close, formatAddress, listen } from '../../lib/http.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import type { Command, Terminal } from '../command.ts'
import { listenFailure } from './respond.ts'
import { serveFlags, start, stopDeadline, watch } from './serve.ts'

const config = join(import.meta.dirname, '../../config')
const RESPONDER = { host: '127.0.0.1', port: 5060 }
const RECEIVER = { host: '127.0.0.1', port: 8099 }
/** The account that the responder calls, and how often (milliseconds). */
const CALLING = { user: 'callee-probe', every: 4_000 }

const NEEDED = 'the demo needs it; without the demo: ringcheck serve DIR'

export const demo: Command = {
  name: 'demo',
  usage: '[flags]',
  description:
    'Starts the responder on 127.0.0.1:5060, a receiver of webhooks on 127.0.0.1:8099, and serves config/samples.',
  flags: serveFlags,
  examples: [['demo', 'what make run does']],
  positionals: { least: 0, most: 0 },
  async run(words, terminal) {
    using _deadline = stopDeadline(terminal)
    await using _responder = await startSampleResponder()
    await using operator = await start(words, terminal, join(config, 'samples'), true)
    const secret = await operator.cluster.secret({ namespace: 'default', name: 'receiver' })
    await using receiver = await startReceiver(secret?.['secret'] ?? '', terminal)
    await watch(operator, terminal, () => `\n${receiver.lastLine()}\n`)
    return 0
  },
}

async function startSampleResponder(): Promise<AsyncDisposable> {
  const list = parseAccounts(await readFile(join(config, 'demo/accounts.csv'), 'utf8'))
  return startResponder({
    listen: RESPONDER,
    accounts: list.kind === 'Accounts' ? list.accounts : [],
    calls: [CALLING],
    clock: systemClock,
    random: systemRandom,
    log: createLog({ name: 'responder', level: 'error' }),
  }).catch((cause: unknown) => {
    throw new Error(listenFailure(cause, RESPONDER, NEEDED), { cause })
  })
}

const event = z.object({
  data: z.object({ probe: z.object({ displayName: z.string() }), severity: z.string(), newStatus: z.string() }),
})

/** Verifies each delivery as a receiver should, with the library of Standard Webhooks. */
async function startReceiver(secret: string, terminal: Terminal): Promise<AsyncDisposable & { lastLine(): string }> {
  const webhook = new Webhook(secret)
  let last = 'Webhooks     none received yet'
  let count = 0
  const server = createServer((request, response) => {
    void text(request)
      .then((body) => {
        const headers = Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
        )
        const { data } = event.parse(webhook.verify(body, headers))
        count++
        last = `Webhooks     ${count} received and verified, last: ${data.severity}, ${data.probe.displayName} is ${data.newStatus}`
        if (!terminal.interactive) terminal.out(`${last}\n`)
        response.writeHead(204).end()
      })
      .catch(() => response.writeHead(400).end())
  })
  await listen(server, { flag: '--receiver', ...RECEIVER }).catch((cause: unknown) => {
    throw new Error(`${formatAddress(RECEIVER)} is in use by another process: ${NEEDED}`, { cause })
  })
  return {
    lastLine: () => last,
    [Symbol.asyncDispose]: () => close(server),
  }
}
