/** What the API server says of every file of crds/testdata/invalid, as each of them states it after `# server:`. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { Agent, request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { kinds } from '../../crds/index.ts'
import { API_VERSION } from '../../crds/kind.ts'
import type { Cluster } from './cluster.ts'
import { startCluster } from './cluster.ts'

const FOLDER = join(import.meta.dirname, '../../crds/testdata/invalid')
const files = readdirSync(FOLDER).map((name) => {
  const text = readFileSync(join(FOLDER, name), 'utf8')
  return { name, text, lines: [...text.matchAll(/^# server: (.*)$/gm)].map(([, line = '']) => line) }
})
/** kubectl refuses these before it asks the API server. */
const REFUSED_UNASKED = ['file-tab.yaml', 'file-version.yaml']
const unasked = files.filter(({ name }) => REFUSED_UNASKED.includes(name))
const asked = files.filter(({ name }) => !REFUSED_UNASKED.includes(name))

const status = z.object({
  message: z.string(),
  details: z.object({ causes: z.array(z.object({ field: z.string(), message: z.string() })).optional() }).optional(),
})

const resources = new AsyncDisposableStack()
let cluster: Cluster
/** What the server says of each file: its causes, sorted. */
let said: ReadonlyMap<string, readonly string[]>

beforeAll(async () => {
  cluster = resources.use(await startCluster({ level: 'api' }))
  await cluster.installCrds()
  said = await askAll()
})
afterAll(() => resources.disposeAsync())

async function askAll(): Promise<ReadonlyMap<string, readonly string[]>> {
  const config = new KubeConfig()
  config.loadFromFile(cluster.kubeconfig)
  const { ca, cert, key } = Object.assign({ ca: '', cert: '', key: '' }, await tlsOf(config))
  const agent = new Agent({ connect: { ca, cert, key }, connections: 8 })
  const url = `${config.getCurrentCluster()?.server}/apis/${API_VERSION}/namespaces/default`
  try {
    const answers = asked.map(async ({ name, text }) => [name, await ask(agent, url, text)] as const)
    return new Map(await Promise.all(answers))
  } finally {
    await agent.destroy()
  }
}

async function tlsOf(config: KubeConfig): Promise<object> {
  const tls = {}
  await config.applyToHTTPSOptions(tls)
  return tls
}

async function ask(agent: Agent, url: string, text: string): Promise<readonly string[]> {
  const kind = Object.values(kinds).find((each) => text.includes(`\nkind: ${each.kind}\n`))
  const answer = await request(`${url}/${kind?.plural}?dryRun=All&fieldValidation=Strict`, {
    method: 'POST',
    headers: { 'content-type': 'application/yaml', accept: 'application/json' },
    body: text,
    dispatcher: agent,
  })
  const body = await answer.body.json()
  if (answer.statusCode === 201) return ['accepted']
  const { message, details } = status.parse(body)
  const undecodable = /strict decoding error: (?:yaml: unmarshal errors:\n {2})?(.*)$/.exec(message)?.[1]
  // That some rules were not looked at is no cause.
  const causes = (details?.causes ?? []).filter(({ field }) => field !== '<nil>')
  return undecodable === undefined
    ? causes.map((cause) => `${cause.field}: ${cause.message}`).toSorted()
    : [undecodable]
}

describe('what the API server says of an invalid manifest', () => {
  test.each(asked)('$name', ({ name, lines }) => {
    expect(said.get(name)).toEqual(lines.toSorted())
  })
})

describe('what kubectl says of a manifest it does not ask about', () => {
  test.each(unasked)('$name', async ({ name, lines }) => {
    const create = cluster.kubectl('create', '--dry-run=server', '--validate=strict', '--filename', join(FOLDER, name))
    await expect(create).rejects.toThrow(lines.join('\n'))
  })
})
