import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Health } from '../../crds/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { listen } from '../../lib/http.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { ManualClock } from '../../lib/manual-clock.ts'
import { openLocalCluster } from '../cluster/local/index.ts'
import { openHistory } from '../history/index.ts'
import { transition } from '../history/test-entries.ts'
import { startStatusPages } from './index.ts'

const start = Date.parse('2026-05-10T06:00:00Z')
const HOUR = 3_600_000

const probe = (name: string) => `apiVersion: ringcheck.dev/v1alpha1
kind: SipProbe
metadata: { name: ${name} }
spec: { registrarRef: { name: pbx-inside }, target: 'sip:echo@10.9.8.7' }
---
`

const page = (name: string, more = '') => `apiVersion: ringcheck.dev/v1alpha1
kind: StatusPage
metadata: { name: ${name} }
spec:
  title: Telephony of <${name}>
  components: [{ name: Outgoing & incoming, probeRef: { name: internal-trunk } }]
${more}---
`

async function started(text = probe('internal-trunk') + page('front')) {
  const folder = mkdtempSync(join(tmpdir(), 'ringcheck-pages-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = (name: string, content: string) => writeFileSync(join(folder, name), content)
  file('all.yaml', text)
  const log = createLog({ name: 'test', level: 'silent' })
  const history = await openHistory({ file: ':memory:', clock: systemClock })
  onTestFinished(() => history[Symbol.asyncDispose]())
  const cluster = await openLocalCluster({ folder, objects: history.objects, clock: systemClock, log })
  onTestFinished(() => cluster[Symbol.asyncDispose]())
  const clock = new ManualClock(start)
  const pages = startStatusPages({
    cluster,
    history,
    clock,
    random: systemRandom,
    log,
    publicUrl: 'https://status.example.com/',
  })
  onTestFinished(() => pages[Symbol.asyncDispose]())

  const key = { namespace: 'default', name: 'internal-trunk' }
  let sequence = 0
  let health: Health = 'Unknown'
  /** As the operator does after a round: history, then status, then the hook. */
  const becomes = async (to: Health, at = clock.now()) => {
    await history.record({
      probe: { ...key, uid: cluster.get('SipProbe', key)?.metadata.uid ?? '' },
      executions: [],
      transition: transition(++sequence, health, to, { at }),
      deliveries: [],
    })
    health = to
    await cluster.writeStatus('SipProbe', key, { health, healthSince: new Date(at).toISOString() })
    pages.invalidate(key)
  }
  const get = (url: string, headers: Record<string, string> = {}) => pages.server.inject({ url, headers })
  const status = async (url: string) => (await get(url)).statusCode
  const overall = async () => {
    const response = await get('/status/default/front.json')
    return response.statusCode === 200 ? response.json().overall : response.statusCode
  }
  return { clock, cluster, folder, file, pages, becomes, get, status, overall }
}

/** Reading the store and rendering are no matter of the clock. */
async function eventually(what: () => unknown, expected: unknown): Promise<void> {
  await expect.poll(what, { timeout: 2_000, interval: 5 }).toEqual(expected)
}

describe('a page', () => {
  test('shows a transition within half a second, and its status tells the same', async () => {
    const { clock, cluster, becomes, overall, get } = await started()
    await eventually(overall, 'UnderMaintenance')
    await becomes('Healthy', start)
    await clock.advance(HOUR)
    await eventually(overall, 'Operational')
    await becomes('Unhealthy')
    await clock.advance(500)
    await eventually(overall, 'MajorOutage')
    expect((await get('/status/default/front')).body).toContain('<h2>Major Outage</h2>')
    expect(cluster.status('StatusPage', { namespace: 'default', name: 'front' })).toMatchObject({
      url: 'https://status.example.com/status/default/front',
      overall: 'MajorOutage',
      components: [{ name: 'Outgoing & incoming', state: 'MajorOutage' }],
      warnings: ['The component Outgoing & incoming is in Major Outage, and no open incident tells of it.'],
    })
  })

  test('counts the seconds of each state, of the day and of all days', async () => {
    const { clock, becomes, get, overall } = await started()
    await becomes('Healthy', start)
    await clock.advance(3 * HOUR)
    await becomes('Unhealthy')
    await clock.advance(HOUR)
    await becomes('Healthy')
    await clock.advance(500)
    await eventually(overall, 'Operational')
    const [component] = (await get('/status/default/front.json')).json().components
    expect(component.uptime).toBeCloseTo(75, 1)
    expect(component.days).toHaveLength(90)
    expect(component.days.at(-1)).toMatchObject({ date: '2026-05-10', state: 'MajorOutage', downSeconds: 3600 })
    expect(component.days.at(-2)).toMatchObject({ state: 'None', uptime: null })
    expect((await get('/status/default/front')).body).toContain('10 May 2026: Major Outage, 1\u00a0h down')
  })

  test('names no probe, target or address, and escapes what it shows', async () => {
    const { get, status } = await started()
    await eventually(() => status('/status/default/front'), 200)
    for (const path of ['/status/default/front', '/status/default/front.json']) {
      const { body } = await get(path)
      for (const inside of ['internal-trunk', 'pbx-inside', '10.9.8.7', 'sip:']) expect(body).not.toContain(inside)
    }
    const { body } = await get('/status/default/front')
    expect(body).toContain('Telephony of &lt;front>')
    expect(body).toContain('Outgoing &amp; incoming')
    expect(body).not.toContain('<script')
  })

  test('turns to maintenance when it begins and back when it ends, with nothing else happening', async () => {
    const maintenance = `  maintenance:
    - { id: work, title: Work, start: '2026-05-10T06:00:30Z', end: '2026-05-10T06:01:00Z' }\n`
    const { clock, becomes, overall, get } = await started(probe('internal-trunk') + page('front', maintenance))
    await becomes('Unhealthy', start)
    await clock.advance(500)
    await eventually(overall, 'MajorOutage')
    await clock.advance(29_500)
    await eventually(overall, 'UnderMaintenance')
    await clock.advance(30_000)
    await eventually(overall, 'MajorOutage')
    const [component] = (await get('/status/default/front.json')).json().components
    expect(component.days.at(-1)).toMatchObject({ downSeconds: 30, maintenanceSeconds: 30 })
  })

  test('a round that changes nothing makes no new page; the minute does', async () => {
    const { clock, becomes, overall, get } = await started()
    await becomes('Healthy', start)
    await clock.advance(500)
    await eventually(overall, 'Operational')
    const updated = async () => (await get('/status/default/front.json')).json().page.updatedAt
    const before = await updated()
    await becomes('Healthy', start)
    await clock.advance(5_000)
    expect(await updated()).toBe(before)
    await clock.advance(60_000)
    await eventually(async () => (await updated()) > before, true)
  })
})

describe('pages that come and go', () => {
  test('a page follows its slug, and is gone with its file', async () => {
    const { cluster, folder, file, status } = await started()
    await eventually(() => status('/status/default/front'), 200)
    file('all.yaml', probe('internal-trunk') + page('front', '  slug: telephony\n'))
    await eventually(() => status('/status/default/telephony'), 200)
    await eventually(() => status('/status/default/front'), 404)
    unlinkSync(join(folder, 'all.yaml'))
    file('other.yaml', probe('internal-trunk'))
    await eventually(() => status('/status/default/telephony'), 404)
    expect(cluster.list('StatusPage')).toEqual([])
  })

  test('of two pages with one slug the first by name is served, and the other says why not', async () => {
    const both = probe('internal-trunk') + page('alpha', '  slug: same\n') + page('beta', '  slug: same\n')
    const { cluster, file, get, status } = await started(both)
    const ready = (name: string) => {
      const found = cluster.status('StatusPage', { namespace: 'default', name })
      return found?.conditions?.map(({ reason }) => reason)
    }
    await eventually(() => [ready('alpha'), ready('beta')], [['Published'], ['SlugConflict']])
    expect((await get('/status/default/same')).body).toContain('&lt;alpha>')
    file('all.yaml', probe('internal-trunk') + page('beta', '  slug: same\n'))
    await eventually(() => ready('beta'), ['Published'])
    expect((await get('/status/default/same')).body).toContain('&lt;beta>')
    expect(await status('/status/default/beta')).toBe(404)
  })

  test('without a public address, the one of the server is told once it is bound', async () => {
    const { cluster, pages: other } = await started()
    await other[Symbol.asyncDispose]()
    const history = await openHistory({ file: ':memory:', clock: systemClock })
    onTestFinished(() => history[Symbol.asyncDispose]())
    const log = createLog({ name: 'test', level: 'silent' })
    await using pages = startStatusPages({ cluster, history, clock: new ManualClock(start), random: systemRandom, log })
    await pages.server.ready()
    const { port } = await listen(pages.server.server, { flag: '--pages', host: '127.0.0.1', port: 0 })
    const url = () => cluster.status('StatusPage', { namespace: 'default', name: 'front' })?.url
    await eventually(url, `http://127.0.0.1:${port}/status/default/front`)
    expect((await fetch(`http://127.0.0.1:${port}/status/default/front`)).status).toBe(200)
  })
})

describe('on the wire', () => {
  test('what a reader has already is not sent again', async () => {
    const { get, status, becomes, clock, overall } = await started()
    await eventually(() => status('/status/default/front'), 200)
    const first = await get('/status/default/front')
    const etag = String(first.headers['etag'])
    expect(first.headers['cache-control']).toBe('public, max-age=1, must-revalidate')
    const again = await get('/status/default/front', { 'if-none-match': `"other", ${etag.replace('W/', '')}` })
    expect([again.statusCode, again.body, again.headers['etag']]).toEqual([304, '', etag])
    await becomes('Healthy', start)
    await clock.advance(500)
    await eventually(overall, 'Operational')
    expect((await get('/status/default/front', { 'if-none-match': etag })).statusCode).toBe(200)
  })

  test('compressed for those who take it, the same for all', async () => {
    const { get, status } = await started()
    await eventually(() => status('/status/default/front'), 200)
    const plain = await get('/status/default/front')
    const packed = await get('/status/default/front', { 'accept-encoding': 'br, gzip' })
    expect(packed.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(packed.rawPayload).toString()).toBe(plain.body)
    expect(plain.headers['vary']).toBe('accept-encoding')
  })

  test('a strict policy: no script, no frame, nothing from elsewhere but the logo that the owner named', async () => {
    const branding = "  branding: { logoUrl: 'https://cdn.example.com/logo.svg', accentColor: '#0b5cad' }\n"
    const { get, status } = await started(probe('internal-trunk') + page('front', branding))
    await eventually(() => status('/status/default/front'), 200)
    const { headers } = await get('/status/default/front')
    const policy = String(headers['content-security-policy'])
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/=]+'; img-src data: https:\/\/cdn.example.com; /,
    )
    expect(policy).not.toContain('unsafe')
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['set-cookie']).toBeUndefined()
  })

  test('what is not there is a page that says so and tells nothing of others', async () => {
    const { pages, get, status } = await started()
    await eventually(() => status('/status/default/front'), 200)
    for (const path of ['/', '/status', '/status/default', '/status/other/front', '/status/default/none', '/%ff']) {
      const response = await get(path)
      expect([path, response.statusCode >= 400, response.headers['content-type']]).toEqual([
        path,
        true,
        'text/html; charset=utf-8',
      ])
      expect(response.body).not.toContain('Telephony')
    }
    const json = await get('/status/default/none.json')
    expect([json.statusCode, json.json().error.code]).toEqual([404, 'PageNotFound'])
    expect((await pages.server.inject({ method: 'HEAD', url: '/status/default/front' })).body).toBe('')
    const posted = await pages.server.inject({ method: 'POST', url: '/status/default/front' })
    expect([posted.statusCode, posted.headers['allow']]).toEqual([405, 'GET, HEAD'])
  })
})
