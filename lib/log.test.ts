import { describe, expect, test } from 'vitest'
import type { LogOptions } from './log.ts'
import { createLog } from './log.ts'

function logged(options: Partial<LogOptions> = {}) {
  const lines: string[] = []
  const log = createLog({
    name: 'test',
    level: 'info',
    destination: { write: (line) => void lines.push(line) },
    ...options,
  })
  return { log, lines }
}

describe('a log', () => {
  test('writes one JSON object a line, with name, level and time', () => {
    const { log, lines } = logged()
    log.child({ run: 'r1' }).warn({ port: 5060 }, 'nobody listens')
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      name: 'test',
      level: 'warn',
      run: 'r1',
      port: 5060,
      msg: 'nobody listens',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
    })
  })

  test('never shows a secret, at any depth of a plan', () => {
    const { log, lines } = logged()
    log.info(
      { password: 'hunter2', plan: { endpoint: { account: { username: 'alice', password: 'hunter2' } } } },
      'a plan came',
    )
    log.info(
      { tls: { key: '-----BEGIN PRIVATE KEY-----hunter2' }, headers: { authorization: 'hunter2' }, secret: 'hunter2' },
      'more',
    )
    expect(lines.join('')).not.toContain('hunter2')
    expect(lines.join('')).toContain('alice')
    log.info({ key: 'default/echo' }, 'the key of a resource is none')
    expect(lines.at(-1)).toContain('default/echo')
  })

  test('keeps the stack and the cause of an error', () => {
    const { log, lines } = logged()
    log.error({ error: new Error('outer', { cause: new Error('inner') }) }, 'it failed')
    expect(lines[0]).toContain('outer')
    expect(lines[0]).toContain('inner')
    expect(lines[0]).toContain('log.test.ts')
  })

  test('is one plain line on a terminal', () => {
    const { log, lines } = logged({ pretty: true })
    log.error({ error: new Error('refused'), port: 5060 }, 'cannot listen')
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d error test: cannot listen: refused port=5060\n$/)
  })

  test('leaves out what is below its level', () => {
    const { log, lines } = logged({ level: 'error' })
    log.info({}, 'not this')
    log.error({}, 'this')
    expect(lines).toHaveLength(1)
  })
})
