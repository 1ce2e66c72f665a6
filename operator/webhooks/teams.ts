/** An event as an Adaptive Card in the envelope that a Workflows webhook of Microsoft Teams takes. Pure. */
import type { StatusChanged } from './body.ts'
import { wordsOf } from './words.ts'

const COLOURS: Readonly<Record<string, string>> = { HEALTHY: 'Good', DEGRADED: 'Warning', UNHEALTHY: 'Attention' }

export function teamsBody(event: StatusChanged): string {
  const { headline, message, facts, links } = wordsOf(event)
  const color = COLOURS[event.data.newStatus] ?? 'Default'
  return JSON.stringify({
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            text(headline, { size: 'Large', weight: 'Bolder', color }),
            text(message, {}),
            { type: 'FactSet', facts: facts.map(([title, value]) => ({ title, value: escaped(value) })) },
          ],
          ...(links.length > 0 && {
            actions: links.map(([title, url]) => ({ type: 'Action.OpenUrl', title, url })),
          }),
        },
      },
    ],
  })
}

/** A TextBlock would read Markdown in it, and what a peer said may be in it; a TextRun does not. */
function text(words: string, style: Readonly<Record<string, string>>) {
  return { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: words, ...style }] }
}

/** A fact's value is Markdown. */
function escaped(value: string): string {
  return value.replace(/[\\`*_[\]()#<>~|]/g, (character) => `\\${character}`)
}
