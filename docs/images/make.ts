/** Makes the pictures of the README from the running product: `npm run screenshots`. It needs Chromium and `script` (util-linux). */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { browser } from '../../test/lab/browser.ts'

const here = import.meta.dirname
const main = join(here, '../../cli/main.ts')
/** Long enough for the first minute's cron slot, milliseconds. */
const RUNNING = 75_000
const ESCAPE = '\u001b'
const PAGE = 'http://127.0.0.1:8081/status/default/telephony'

using data = mkdtempDisposableSync(join(tmpdir(), 'pictures-'))
/** What `make run` shows on a terminal, as HTML. `script` gives it a terminal of its own. */
const terminal = spawn('script', ['-qfec', `${process.execPath} ${main} demo --data ${data.path}`, '/dev/null'], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
let written = ''
terminal.stdout.setEncoding('utf8').on('data', (text: string) => (written += text))
try {
  await wait(RUNNING)
  await using chromium = await browser()
  const screen = await chromium.open(`data:text/html;charset=utf-8,${encodeURIComponent(asHtml(lastFrame(written)))}`, {
    viewport: { width: 980, height: 320 },
    deviceScaleFactor: 2,
  })
  await screen.locator('pre').screenshot({ path: join(here, 'run.png') })
  const page = await chromium.open(PAGE, { viewport: { width: 1100, height: 900 } })
  await page.screenshot({ path: join(here, 'statuspage.png'), fullPage: true })
} finally {
  terminal.kill('SIGTERM')
  await once(terminal, 'exit')
}

/** The lines above the table, and the table as it was drawn last: each redraw begins by moving the cursor up (ESC [ n A). */
function lastFrame(text: string): string {
  const frames = text.replaceAll('\r', '').split(new RegExp(`${ESCAPE}\\[\\d+A`))
  const [first = ''] = frames
  const heading = first.slice(0, first.indexOf('NAME '))
  return `$ make run\n${heading}${frames.at(-1) ?? ''}`.replaceAll(new RegExp(`${ESCAPE}\\[(?:[JK]|\\?7[lh])`, 'g'), '')
}

function asHtml(text: string): string {
  const colours: Record<string, string> = { 31: '#ff6b6b', 32: '#69db7c', 33: '#ffd43b', 90: '#adb5bd' }
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  const spans = escaped
    .replaceAll(new RegExp(`${ESCAPE}\\[(\\d+)m`, 'g'), (_, code: string) =>
      code === '0' ? '</span>' : `<span style="color:${colours[code]}">`,
    )
    .trimEnd()
  return `<pre style="display:inline-block;margin:0;padding:20px 24px;background:#14171c;color:#e9ecef;font:14px/1.5 'DejaVu Sans Mono',monospace">${spans}</pre>`
}
