/** A real Prometheus that is given what was on `/metrics`, one scrape after the other, and answers PromQL; what it says is for others to judge. */
import { createServer } from 'node:http'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { close, listen } from '../../lib/http.ts'
import { freePort } from './ports.ts'
import { start, until } from './process.ts'

const Answer = z.union([
  z.object({
    status: z.literal('success'),
    data: z.object({ result: z.array(z.object({ metric: z.record(z.string(), z.string()) })) }),
  }),
  z.object({ status: z.literal('error'), error: z.string() }),
])

export interface Prometheus extends AsyncDisposable {
  /** The labels of each series that there was at any time, as a graph shows them. Throws with Prometheus' words when it does not understand. */
  query(expr: string): Promise<Record<string, string>[]>
}

/** Returns when it has taken all scrapes, one a second. */
export async function startPrometheus(folder: string, scrapes: readonly string[]): Promise<Prometheus> {
  const began = Math.floor(Date.now() / 1000)
  await using stack = new AsyncDisposableStack()
  let taken = 0
  const exporter = createServer((_, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4')
    response.end(scrapes[Math.min(taken++, scrapes.length - 1)])
  })
  stack.defer(() => close(exporter))
  const { port } = await listen(exporter, { flag: 'exporter', host: '127.0.0.1', port: 0 })
  const configuration = join(folder, 'prometheus.yml')
  const job = { job_name: 'ringcheck', honor_labels: true, static_configs: [{ targets: [`127.0.0.1:${port}`] }] }
  writeFileSync(configuration, JSON.stringify({ global: { scrape_interval: '1s' }, scrape_configs: [job] }))
  const address = `127.0.0.1:${await freePort()}`
  stack.use(
    await start({
      command: 'prometheus',
      arguments: [
        `--config.file=${configuration}`,
        `--web.listen-address=${address}`,
        `--storage.tsdb.path=${join(folder, 'prometheus')}`,
      ],
      folder,
      ready: async () => (await fetch(`http://${address}/-/ready`).catch(() => undefined))?.ok ?? false,
      readyWithin: 60_000,
    }),
  )
  // When it asks once more, it has stored what it got before.
  await until(() => taken > scrapes.length, { what: 'Prometheus has taken all scrapes', within: 60_000 })
  const owned = stack.move()
  return {
    async query(expr) {
      const end = Math.ceil(Date.now() / 1000)
      const response = await fetch(`http://${address}/api/v1/query_range`, {
        method: 'POST',
        body: new URLSearchParams({ query: expr, start: String(began), end: String(end), step: '1' }),
        signal: AbortSignal.timeout(30_000),
      })
      const answer = Answer.parse(await response.json())
      if (answer.status === 'error') throw new Error(`${expr}: ${answer.error}`)
      return answer.data.result.map(({ metric }) => metric)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
