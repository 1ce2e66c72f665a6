import { mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readWords } from './command.ts'
import { call } from './commands/call.ts'
import { wayOf } from './way.ts'

const way = (target: string, ...flags: string[]) => wayOf(target, readWords(call, [target, ...flags]))

test.each<[words: string[], way: object]>([
  [['sip:echo@127.0.0.1'], { domain: '127.0.0.1' }],
  [['sip:echo@example.com:5070'], { domain: 'example.com', port: 5070 }],
  [['sip:example.com'], { domain: 'example.com' }],
  [['sip:echo@[::1]:5070'], { domain: '::1', port: 5070 }],
  [['sip:echo@example.com;transport=tls'], { domain: 'example.com', transport: 'TLS' }],
  [['sip:echo@example.com;transport=wss'], { domain: 'example.com', transport: 'WSS' }],
  [['sips:echo@example.com'], { domain: 'example.com', transport: 'TLS' }],
  [['sips:echo@example.com;transport=tcp'], { domain: 'example.com', transport: 'TLS' }],
  [['sips:echo@example.com;transport=ws'], { domain: 'example.com', transport: 'WSS' }],
  [['sip:echo@example.com;transport=tcp', '--transport', 'UDP'], { domain: 'example.com', transport: 'UDP' }],
  [['sip:echo@example.com', '--registrar', 'pbx:5061'], { domain: 'pbx', port: 5061 }],
  [['sip:echo@example.com', '--registrar', '[::1]'], { domain: '::1' }],
])('%j', async ([target = '', ...flags], expected) => {
  expect(await way(target, ...flags)).toEqual(expected)
})

test('authorities are read from a file', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'way-'))
  const file = join(folder.path, 'ca.pem')
  writeFileSync(file, 'a certificate')
  expect(await way('sips:echo@example.com', '--ca', file)).toMatchObject({
    tls: { ca: 'a certificate', verify: 'Full' },
  })
})
