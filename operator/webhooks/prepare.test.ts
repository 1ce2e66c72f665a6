import { randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import type { Health } from '../../crds/index.ts'
import { execution, probe, transition } from '../history/test-entries.ts'
import { createAddressCheck } from './addresses.ts'
import { statusChangedBody } from './body.ts'
import { prepare } from './prepare.ts'
import type { Target } from './prepare.ts'

const check = createAddressCheck([])
const url = 'https://hooks.example.com/services/T0/B0'
const links = {
  dashboard: 'https://ringcheck.example.com/probes/default/switchboard',
  statusPage: 'https://status.example.com/status/default/telephony',
}

/** What is posted when the probe goes from one state to another; `message` is what a peer may have had a hand in. */
function posted(
  target: Partial<Target>,
  change: { from: Health; to: Health; message?: string; sip?: string; links?: typeof links },
) {
  const prepared = prepare({ url, format: 'Standard', ...target }, check)
  if ('unavailable' in prepared) throw new Error(prepared.unavailable)
  const { from, to, message = 'packetLoss 4 % reached 3 %', sip = 'OK' } = change
  const called = execution('run-7')
  const body = statusChangedBody({
    probe: { ...probe, displayName: 'Switchboard <Berlin>' },
    transition: transition(7, from, to, { message }),
    initial: false,
    execution: { ...called, result: { ...called.result, sip: { code: 200, reason: sip } } },
    links: change.links ?? {},
  })
  const { headers, body: sent } = prepared.post({ id: 'evt_1', at: Date.now(), body })
  return { headers, sent, json: JSON.parse(sent) }
}

describe('Slack', () => {
  test('gets a headline, the sentence, the figures and the links', () => {
    const { json } = posted({ format: 'Slack' }, { from: 'Healthy', to: 'Degraded', links })
    expect(json.text).toBe(':large_orange_circle: Switchboard &lt;Berlin&gt; is degraded: packetLoss 4 % reached 3 %')
    const [header, sentence, fields, context] = json.blocks
    expect(header.text).toMatchObject({
      type: 'plain_text',
      text: ':large_orange_circle: Switchboard <Berlin> is degraded',
    })
    expect(sentence.text).toEqual({ type: 'plain_text', text: 'packetLoss 4 % reached 3 %' })
    expect(fields.fields.map((field: { text: string }) => field.text)).toEqual([
      '*Probe*\ndefault/switchboard',
      '*Before*\nhealthy',
      '*Severity*\nwarning',
      '*Reason*\nThresholdBreached',
      '*SIP*\n200 OK',
      '*Location*\ndefault',
      '*packetLoss*\n4 % (warning 3, critical 5)',
      '*Since*\n2026-01-01T00:07:00.000Z',
    ])
    expect(context.elements.map((element: { text: string }) => element.text)).toEqual([
      `<${links.dashboard}|Dashboard>`,
      `<${links.statusPage}|Status page>`,
    ])
  })

  test('is never given a mention or a link that a peer made up', () => {
    const { json, sent } = posted(
      { format: 'Slack' },
      { from: 'Healthy', to: 'Unhealthy', message: '<!channel> <https://evil|x>' },
    )
    expect(json.text).toContain('&lt;!channel&gt; &lt;https://evil|x&gt;')
    expect(json.blocks[1].text.type).toBe('plain_text')
    expect(sent).not.toContain('"mrkdwn","text":"<!')
  })

  test('is told to make no link of its own, and is never given a field that it refuses', () => {
    const { json } = posted({ format: 'Slack' }, { from: 'Healthy', to: 'Unhealthy', sip: 'http://evil &'.repeat(500) })
    const { fields } = json.blocks[2]
    for (const field of fields) expect(field).toMatchObject({ type: 'mrkdwn', verbatim: true })
    const [said] = fields.filter(({ text }: { text: string }) => text.startsWith('*SIP*'))
    expect(said.text.length).toBeLessThanOrEqual(2000)
  })

  test('takes a very long sentence cut, and none at all', () => {
    const { json } = posted({ format: 'Slack' }, { from: 'Healthy', to: 'Unhealthy', message: 'x'.repeat(10_000) })
    expect(json.blocks[1].text.text).toHaveLength(3000)
    expect(
      posted({ format: 'Slack' }, { from: 'Healthy', to: 'Unhealthy', message: '' }).json.blocks[1].text.text,
    ).toBe('-')
  })
})

describe('Teams', () => {
  test('gets an Adaptive Card in the envelope of a Workflows webhook', () => {
    const { json } = posted({ format: 'Teams' }, { from: 'Degraded', to: 'Unhealthy', links })
    expect(json).toMatchObject({
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          content: {
            type: 'AdaptiveCard',
            body: [
              { inlines: [{ text: 'Switchboard <Berlin> is unhealthy', color: 'Attention', weight: 'Bolder' }] },
              { inlines: [{ text: 'packetLoss 4 % reached 3 %' }] },
              { type: 'FactSet' },
            ],
            actions: [
              { type: 'Action.OpenUrl', title: 'Dashboard', url: links.dashboard },
              { type: 'Action.OpenUrl', title: 'Status page', url: links.statusPage },
            ],
          },
        },
      ],
    })
  })

  test('is never given a link that a peer made up', () => {
    const message = '[click](https://evil)'
    const { json } = posted({ format: 'Teams' }, { from: 'Healthy', to: 'Unhealthy', message })
    const [{ content }] = json.attachments
    expect(content.body[1]).toEqual({ type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: message }] })
    expect(content).not.toHaveProperty('actions')
  })
})

describe('PagerDuty', () => {
  const target = { format: 'PagerDuty', secret: ' R0UT1NGKEY\n' } as const

  test('is triggered for what is not Healthy, with one key for each probe', () => {
    const { json, headers } = posted(target, { from: 'Healthy', to: 'Unhealthy', links })
    expect(json).toMatchObject({
      routing_key: 'R0UT1NGKEY',
      event_action: 'trigger',
      dedup_key: expect.stringMatching(/^[0-9a-f]{64}$/),
      client_url: links.dashboard,
      payload: {
        summary: 'Switchboard <Berlin> is unhealthy: packetLoss 4 % reached 3 %',
        source: 'default/switchboard',
        severity: 'critical',
        timestamp: '2026-01-01T00:07:00.000Z',
        class: 'ThresholdBreached',
        custom_details: { metrics: { packetLoss: 4, mos: 4.1 } },
      },
    })
    expect(headers).not.toHaveProperty('webhook-signature')
    const degraded = posted(target, { from: 'Unhealthy', to: 'Degraded' }).json
    expect(degraded).toMatchObject({
      event_action: 'trigger',
      dedup_key: json.dedup_key,
      payload: { severity: 'warning' },
    })
    expect(posted(target, { from: 'Healthy', to: 'Unknown' }).json.payload.severity).toBe('info')
  })

  test('is resolved under the same key when it is Healthy', () => {
    const { json } = posted(target, { from: 'Unhealthy', to: 'Healthy' })
    const { dedup_key } = posted(target, { from: 'Healthy', to: 'Unhealthy' }).json
    expect(json).toEqual({ routing_key: 'R0UT1NGKEY', event_action: 'resolve', dedup_key })
  })

  test.each([undefined, '', 'two words', 'x'.repeat(129)])('without a key (%j) says so', (secret) => {
    const prepared = prepare({ url, format: 'PagerDuty', ...(secret !== undefined && { secret }) }, check)
    expect(prepared).toEqual({ unavailable: 'PagerDuty needs its routing key in secretRef: one word' })
  })
})

test('a signature is over what is sent, in every format that knows one', () => {
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  for (const format of ['Standard', 'Slack', 'Teams'] as const) {
    const { headers, sent, json } = posted({ format, secret }, { from: 'Healthy', to: 'Degraded' })
    expect(new Webhook(secret).verify(sent, headers)).toEqual(json)
  }
})
