/** Debian's Chromium for looking at our pages: opens, photographs, and checks them with axe. */
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { commandPath } from './requirements.ts'

export interface LabBrowser extends AsyncDisposable {
  /** A page of its own context (no cookies of another), loaded. */
  open(url: string, options?: BrowserContextOptions): Promise<Page>
}

export async function browser(): Promise<LabBrowser> {
  const chrome: Browser = await chromium.launch({
    executablePath: commandPath('chromium'),
    // Chromium's own sandbox does not run as root, and a container's /dev/shm is too small for it.
    args: ['--disable-dev-shm-usage'],
    chromiumSandbox: false,
  })
  return {
    async open(url, options) {
      const context = await chrome.newContext(options)
      const page = await context.newPage()
      await page.goto(url)
      return page
    },
    [Symbol.asyncDispose]: () => chrome.close(),
  }
}

/** What axe holds against the page by WCAG 2.2 A and AA: one line each, empty when nothing. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze()
  return violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html}`))
}
