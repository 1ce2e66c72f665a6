/** Makes a page's model into the bytes that are served, once per change: HTML and JSON, plain and compressed, with their headers. */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { h } from 'preact'
import { renderToString } from 'preact-render-to-string'
import type { PageModel } from '../../statuspages/model.ts'
import type { Markup } from './markup.ts'
import { html } from './markup.ts'
import { pageBody } from './page.ts'
import { icon } from './signs.ts'
import { styleSheet } from './style.ts'
import { twin } from './twin.ts'
import { headline } from './words.ts'

/** One answer, ready to be sent. */
export interface Document {
  type: string
  plain: Buffer
  gzip: Buffer
  /** Changes with the content. */
  etag: string
  contentSecurityPolicy: string
}

export interface RenderedPage {
  html: Document
  json: Document
}

export function renderPage(model: PageModel): RenderedPage {
  const style = styleSheet(model.branding.accentColor)
  const { logoUrl, faviconUrl } = model.branding
  return {
    html: documentOf({
      type: 'text/html; charset=utf-8',
      text: wholePage({
        title: `${headline(model.overall)} · ${model.title}`,
        icon: faviconUrl ?? icon(model.overall ?? 'UnderMaintenance'),
        style,
        body: pageBody(model),
      }),
      policy: policyOf(style, [logoUrl, faviconUrl]),
    }),
    json: documentOf({
      type: 'application/json; charset=utf-8',
      text: `${JSON.stringify(twin(model))}\n`,
      policy: "default-src 'none'; frame-ancestors 'none'",
    }),
  }
}

/** What is shown where there is no page; it says nothing of what pages there are. */
export function renderNotFound(): Document {
  const style = styleSheet(undefined)
  const body = html`<main class="top">
    <h1>There is no page here</h1>
    <p>The address may be misspelt, or the page was removed.</p>
  </main>`
  return documentOf({
    type: 'text/html; charset=utf-8',
    text: wholePage({ title: 'No page here', icon: icon('UnderMaintenance'), style, body }),
    policy: policyOf(style, []),
  })
}

interface Parts {
  title: string
  icon: string
  style: string
  body: Markup
}

function wholePage({ title, icon: iconUrl, style, body }: Parts): string {
  const head = html`<head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${title}</title>
    <link rel="icon" href=${iconUrl} />
    ${h('style', { dangerouslySetInnerHTML: { __html: style } })}
  </head>`
  return `<!doctype html>\n${renderToString(h('html', { lang: 'en' }, head, h('body', null, body)))}\n`
}

/** No script, no form, no frame, nothing from elsewhere but the pictures that the page's owner named. */
function policyOf(style: string, pictures: ReadonlyArray<string | undefined>): string {
  const hash = createHash('sha256').update(style).digest('base64')
  const origins = pictures.flatMap((url) => (url !== undefined && URL.canParse(url) ? [new URL(url).origin] : []))
  return [
    "default-src 'none'",
    `style-src 'sha256-${hash}'`,
    ['img-src', 'data:', ...new Set(origins)].join(' '),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

function documentOf({ type, text, policy }: { type: string; text: string; policy: string }): Document {
  const plain = Buffer.from(text)
  const etag = `W/"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`
  return { type, plain, gzip: gzipSync(plain), etag, contentSecurityPolicy: policy }
}
