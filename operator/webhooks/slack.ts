/** An event as a message of Slack's incoming webhooks: text for notifications, blocks for the channel. Pure. */
import type { StatusChanged } from './body.ts'
import { wordsOf } from './words.ts'

const SIGNS: Readonly<Record<string, string>> = {
  HEALTHY: ':large_green_circle:',
  DEGRADED: ':large_orange_circle:',
  UNHEALTHY: ':red_circle:',
  UNKNOWN: ':white_circle:',
}

/** Characters that Slack takes in a header, a section and a field, and fields in a section. */
const LONGEST = { header: 150, section: 3000, field: 2000 }
const MOST_FIELDS = 10

export function slackBody(event: StatusChanged): string {
  const { headline, message, facts, links } = wordsOf(event)
  const title = `${SIGNS[event.data.newStatus] ?? ''} ${headline}`
  return JSON.stringify({
    text: escaped(`${title}: ${message}`, LONGEST.section),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: title.slice(0, LONGEST.header), emoji: true } },
      { type: 'section', text: plain(message, LONGEST.section) },
      {
        type: 'section',
        fields: facts
          .slice(0, MOST_FIELDS)
          .map(([label, value]) => marked(`*${label}*\n${escaped(value, LONGEST.field - 100)}`)),
      },
      ...(links.length > 0
        ? [{ type: 'context', elements: links.map(([label, url]) => marked(`<${url}|${label}>`)) }]
        : []),
    ],
  })
}

/** No markup: what a peer said may be in it. An empty text is refused. */
const plain = (text: string, longest: number) => ({ type: 'plain_text', text: text.slice(0, longest) || '-' })

/** Nothing in it becomes a link or a mention that is not written as one. */
const marked = (text: string) => ({ type: 'mrkdwn', text, verbatim: true })

/** The three characters with which links and mentions begin; no longer than that either: what is too long is refused as a whole. */
function escaped(text: string, longest: number): string {
  const whole = text.slice(0, longest).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return whole.length <= longest ? whole : whole.slice(0, longest).replace(/&[a-z]*$/, '')
}
