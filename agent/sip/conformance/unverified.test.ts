import { once } from 'node:events'
import { connect } from 'node:tls'
import { expect, test } from 'vitest'
import { AUTHORITY, listening, optionsTo, portOf } from './lab.ts'
import { outside } from './odd-lab.ts'

test('what is to be verified does not go over a connection that somebody made to us', async () => {
  await using ours = await listening('TLS')
  const stranger = connect({ host: '127.0.0.1', port: portOf(ours, 'TLS'), ca: AUTHORITY.ca })
  using _end = { [Symbol.dispose]: () => void stranger.destroy() }
  await once(stranger, 'secureConnect')
  const port = stranger.localPort ?? 0
  const via = { Via: `SIP/2.0/TLS 127.0.0.1:${port};branch=z9hG4bKstranger` }
  stranger.write(`${outside('OPTIONS', via).join('\r\n')}\r\n\r\n`)
  await once(stranger, 'data')
  // Whoever has the address of a trunk could wait there for our credentials.
  expect(await ours.options(optionsTo(port, 'TLS'))).toMatchObject({ kind: 'ConnectFailed' })
})
