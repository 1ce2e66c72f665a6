/** The public status page in a real browser: what is seen, that nothing is asked of others, and what axe holds against it. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import type { Health } from '../../crds/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { listen } from '../../lib/http.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { openLocalCluster } from '../../operator/cluster/local/index.ts'
import { openHistory } from '../../operator/history/index.ts'
import { startStatusPages } from '../../operator/statuspages/index.ts'
import { accessibilityProblems, browser } from '../lab/browser.ts'
import { temporaryFolder } from '../lab/process.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

const probe = (name: string) => `apiVersion: ringcheck.dev/v1alpha1
kind: SipProbe
metadata: { name: ${name} }
spec: { registrarRef: { name: pbx }, target: 'sip:${name}@10.9.8.7' }
---
`

const hoursFromNow = (hours: number) => new Date(Date.now() + hours * HOUR).toISOString()

/** Everything that a page can show at once. */
const page = () => `apiVersion: ringcheck.dev/v1alpha1
kind: StatusPage
metadata: { name: telephony }
spec:
  title: Example Telephony
  description: Whether calls work, measured by calling.
  timeZone: Europe/Berlin
  showLatency: true
  branding: { accentColor: '#0b5cad' }
  links: [{ title: Support, url: 'https://support.example.com/' }]
  components:
    - { name: Outgoing calls, group: Calls, probeRef: { name: probe-out } }
    - { name: Incoming calls, group: Calls, description: From the public network, probeRef: { name: probe-in } }
    - { name: Trunk of the second carrier, group: Lines, probeRef: { name: probe-trunk } }
    - { name: Announcements, probeRef: { name: probe-never } }
  incidents:
    - id: trunk
      title: Calls through the second carrier fail
      impact: Major
      components: [Trunk of the second carrier]
      updates: [{ at: '${hoursFromNow(-1)}', status: Investigating, message: Calls take the first carrier meanwhile. }]
    - id: old
      title: Choppy audio
      impact: Minor
      updates: [{ at: '${hoursFromNow(-200)}', status: Resolved, message: The line was replaced. }]
  maintenance:
    - { id: now, title: Work on the announcements, start: '${hoursFromNow(-1)}', end: '${hoursFromNow(2)}', components: [Announcements] }
    - { id: next, title: A new release, start: '${hoursFromNow(50)}', end: '${hoursFromNow(52)}', message: Calls may be cut. }
`

async function served() {
  const temporary = temporaryFolder('statuspage')
  onTestFinished(() => temporary[Symbol.dispose]())
  const folder = join(temporary.path, 'manifests')
  mkdirSync(folder)
  const names = ['probe-out', 'probe-in', 'probe-trunk', 'probe-never']
  writeFileSync(join(folder, 'all.yaml'), names.map(probe).join('') + page())
  const log = createLog({ name: 'test', level: 'error' })
  const clock = systemClock
  const history = await openHistory({ file: join(temporary.path, 'store.sqlite'), clock })
  onTestFinished(() => history[Symbol.asyncDispose]())
  const cluster = await openLocalCluster({ folder, objects: history.objects, clock, log })
  onTestFinished(() => cluster[Symbol.asyncDispose]())
  const pages = startStatusPages({ cluster, history, clock, random: systemRandom, log })
  onTestFinished(() => pages[Symbol.asyncDispose]())
  await pages.server.ready()
  const { port } = await listen(pages.server.server, { flag: '--pages', host: '127.0.0.1', port: 0 })

  const last = new Map<string, { sequence: number; health: Health }>()
  /** As the operator does after a round: history, then status, then the hook. */
  const becomes = async (name: string, to: Health, at = clock.now()) => {
    const key = { namespace: 'default', name }
    const { sequence, health } = last.get(name) ?? { sequence: 0, health: 'Unknown' }
    last.set(name, { sequence: sequence + 1, health: to })
    const change = { sequence: sequence + 1, at, from: health, to, severity: 'Critical', reason: 'Test', message: '' }
    const uid = cluster.get('SipProbe', key)?.metadata.uid ?? ''
    await history.record({ probe: { ...key, uid }, executions: [], transition: change, deliveries: [] })
    await cluster.writeStatus('SipProbe', key, { health: to, healthSince: new Date(at).toISOString() })
    pages.invalidate(key)
  }
  const now = clock.now()
  await becomes('probe-out', 'Healthy', now - 100 * DAY)
  await becomes('probe-out', 'Unhealthy', now - 40 * DAY)
  // Of 90 days as of 89 and the first minute of another, what it was up is 99.93 %.
  await becomes('probe-out', 'Healthy', now - 40 * DAY + 80 * 60_000)
  await becomes('probe-in', 'Healthy', now - 60 * DAY)
  await becomes('probe-in', 'Degraded', now - 2 * DAY)
  await becomes('probe-in', 'Healthy', now - DAY)
  await becomes('probe-trunk', 'Healthy', now - 20 * DAY)
  await becomes('probe-trunk', 'Unhealthy', now - HOUR)
  const base = `http://127.0.0.1:${port}`
  const url = `${base}/status/default/telephony`
  await expect.poll(async () => (await (await fetch(`${url}.json`)).json()).overall).toBe('MajorOutage')
  return { url, base, becomes }
}

const looks = {
  'a light screen': { viewport: { width: 1280, height: 900 } },
  'a dark screen': { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' },
  'a phone': { viewport: { width: 320, height: 640 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  'a dark phone': { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: 'dark' },
  'a wall screen': { viewport: { width: 3840, height: 2160 } },
  'a screen without script': { viewport: { width: 1280, height: 900 }, javaScriptEnabled: false },
} as const

const scrollsSideways = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)

test('on every screen it fits, breaks no rule of its policy, asks nobody else, and axe finds nothing', async () => {
  const { url, base } = await served()
  await using chrome = await browser()
  for (const [name, look] of Object.entries(looks)) {
    const page = await chrome.open('about:blank', look)
    const complaints: string[] = []
    const asked: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => asked.push(request.url()))
    await page.goto(url)
    await page.locator('summary').first().click()
    expect([name, await page.locator('h1').innerText()]).toEqual([name, 'Example Telephony'])
    expect([name, await scrollsSideways(page)]).toEqual([name, false])
    expect([name, complaints]).toEqual([name, []])
    expect(asked.filter((address) => !address.startsWith(base) && !address.startsWith('data:'))).toEqual([])
    // axe itself is a script.
    const problems = 'javaScriptEnabled' in look ? [] : await accessibilityProblems(page)
    expect([name, problems]).toEqual([name, []])
    await page.context().close()
  }
})

test('what is wrong stands on top, every component in its group with its word and its days', async () => {
  const { url } = await served()
  await using chrome = await browser()
  const page = await chrome.open(url)
  expect(await page.getByRole('heading').allInnerTexts()).toEqual([
    'Example Telephony',
    'Major Outage',
    'Incidents',
    'Calls through the second carrier fail',
    'Maintenance now',
    'Work on the announcements',
    'Announced maintenance',
    'A new release',
    'Calls',
    'Outgoing calls',
    'Incoming calls',
    'Lines',
    'Trunk of the second carrier',
    'Other components',
    'Announcements',
    'Resolved incidents',
    'Choppy audio',
  ])
  const component = (name: string) => page.locator('.component').filter({ has: page.getByRole('heading', { name }) })
  expect(await component('Outgoing calls').locator('.state').innerText()).toBe('Operational')
  expect(await component('Announcements').locator('.state').innerText()).toBe('Under Maintenance')
  const bars = component('Outgoing calls').getByRole('list', { name: 'Outgoing calls: the last 90 days' })
  expect(await bars.getByRole('listitem').count()).toBe(90)
  expect(await bars.getByRole('listitem').last().textContent()).toMatch(/^\d+ \w+ \d{4}: Operational, 0\u00a0min down$/)
  expect(await component('Outgoing calls').locator('.uptime').textContent()).toContain('99.93')
  const html = await page.content()
  for (const inside of ['probe-', 'pbx', '10.9.8.7', 'sip:']) expect(html).not.toContain(inside)
})

test('pointing at a day tells of it without moving anything', async () => {
  const { url } = await served()
  await using chrome = await browser()
  const page = await chrome.open(url)
  const component = page.locator('.component').first()
  const day = component.locator('.bars li').last()
  await day.scrollIntoViewIfNeeded()
  const before = await component.boundingBox()
  await day.hover()
  const told = await day.locator('span').boundingBox()
  expect(told?.width).toBeGreaterThan(100)
  expect(await component.boundingBox()).toEqual(before)
})

test('the keyboard reaches the links and the days with trouble', async () => {
  const { url } = await served()
  await using chrome = await browser()
  const page = await chrome.open(url)
  await page.keyboard.press('Tab')
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the status')
  await page.keyboard.press('Tab')
  expect(await page.evaluate(() => document.activeElement?.textContent)).toMatch(/\d days? with trouble/)
  await page.keyboard.press('Enter')
  expect(await page.locator('details[open] li').first().innerText()).toContain('Major Outage')
})

test('a transition shows within 2 s', async () => {
  const { url, becomes } = await served()
  await using chrome = await browser()
  const page = await chrome.open(url)
  const trunk = page.locator('.component').filter({ hasText: 'Trunk of the second carrier' }).locator('.state')
  expect(await trunk.innerText()).toBe('Major Outage')
  const since = performance.now()
  await becomes('probe-trunk', 'Healthy')
  const overall = async () => (await (await fetch(`${url}.json`)).json()).overall
  await expect.poll(overall, { timeout: 5_000, interval: 10 }).not.toBe('MajorOutage')
  // The browser takes its own time.
  expect(performance.now() - since).toBeLessThan(2_000)
  await page.reload()
  expect(await trunk.innerText()).toBe('Operational')
})
